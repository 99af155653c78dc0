import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { BusError } from '../index.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT } from './exit-code.ts';
import { Interruption } from './interruption.ts';
import { invalidateCommand } from './invalidate.ts';
import { packageFolder } from './package-folder.ts';
import { terminal, toleratesClosedPipes, type Terminal } from './terminal.ts';
import { UserError } from './user-error.ts';
import { watchCommand } from './watch.ts';

/** What every command is given. */
export interface Surroundings {
  readonly out: Terminal;
  readonly err: Terminal;
  /** Aborted by Ctrl-C and the like; its reason is an `Interruption`. */
  readonly signal: AbortSignal;
}

const TEACHING = `
Start here:
  $ unstale demo              three servers, one slow origin, caches that agree
  $ unstale demo --help       what else it can show
  $ unstale watch --help      the cluster, live
  $ unstale doctor --help     check a configuration, from the address to the last node
  $ unstale invalidate --help drop what has changed, from a script

Exit codes:
  0  done
  1  it failed: nobody listens there, access was denied, a port is in use
  2  the command line is wrong
  130, 143  stopped by Ctrl-C, by SIGTERM

Colours appear on a terminal only, and never if NO_COLOR is set.`;

/** Runs the command line; resolves with the exit code, and never rejects. */
export async function runCommandLine(
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort(new ReaderLeft());
  };
  toleratesClosedPipes(process.stdout, leave);
  toleratesClosedPipes(process.stderr, leave);
  const surroundings: Surroundings = {
    out: terminal(process.stdout),
    err: terminal(process.stderr),
    signal: AbortSignal.any([signal, gone.signal]),
  };
  try {
    await (await program(surroundings)).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return exitCodeOf(error, surroundings.err);
  }
}

async function program(surroundings: Surroundings): Promise<Command> {
  const command = new Command('unstale')
    .description('Keeps the local caches of a cluster coherent. Values never travel, only ids.')
    .version(await version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(unstale --help tells more)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        surroundings.out.write(text);
      },
      writeErr: (text) => {
        surroundings.err.write(text);
      },
    })
    .addHelpText('after', TEACHING);
  for (const make of [demoCommand, watchCommand, doctorCommand, invalidateCommand]) {
    command.addCommand(make(surroundings).copyInheritedSettings(command));
  }
  return command;
}

/** The reader of our output has left: there is nothing more to do. */
class ReaderLeft extends Error {
  override readonly name = 'ReaderLeft';
}

function exitCodeOf(error: unknown, err: Terminal): number {
  if (error instanceof ReaderLeft) return EXIT.ok;
  if (error instanceof Interruption) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const prefix = err.styled('red', 'error:');
  if (error instanceof UserError) {
    err.write(`${prefix} ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof BusError) {
    err.write(`${prefix} ${error.message} (${error.code})\n`);
    return EXIT.failure;
  }
  // An error that nobody foresaw: its stack is what a report of it needs.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  err.write(`${prefix} this is a defect of unstale; please report it with these lines\n${text}\n`);
  return EXIT.failure;
}

async function version(): Promise<string> {
  const file = new URL('package.json', await packageFolder());
  const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
  const found = typeof parsed === 'object' && parsed !== null && 'version' in parsed;
  return found ? String(parsed.version) : 'unknown';
}
