import { Command, InvalidArgumentError, Option } from 'commander';
import { BUS_URL_FORMS } from '../config/bus-url.ts';
import type { Surroundings } from './program.ts';

/** What was asked for, as read from the command line: each number within its range, the rest as it was typed. */
export interface DemoFlags {
  readonly bus: string;
  readonly nodes: number;
  readonly seconds: number;
  readonly rate: number;
  readonly writes: number;
  readonly ttl: number;
  readonly latency: number;
  readonly seed: number;
  readonly resources?: string;

  readonly port?: number;
  readonly json?: true;
}

const SUMMARY = 'three servers, one slow origin, caches that agree: see and measure it';

const DESCRIPTION = `Three servers, one slow origin, caches that agree.

An origin serves the files of a folder over HTTP, as slowly as remote storage does. A few server processes serve the same files, each from a cache of its own. A workload reads from them, and saves changes through one of them at a time; saves go to a private copy, so the folder is never touched.

The same workload runs three times: without a cache, with a cache that keeps everything for a fixed time (TTL), and with caches that unstale keeps coherent. The demo knows when each save was committed, so it counts what users would see.`;

const TEACHING = `
Bus URLs:
${BUS_URL_FORMS.map((form) => `  ${form}`).join('\n')}
  What a user name or a password cannot hold as it is (/ ? # @ %) is percent-encoded.
  To keep a password out of the command line, set UNSTALE_BUS_URL instead of --bus.

Examples:
  $ unstale demo
  $ unstale demo --nodes 5 --rate 1000 --seconds 20
  $ unstale demo --bus xmpp://alice:secret@127.0.0.1:5222/cache@conference.localhost
  $ unstale demo --resources ~/articles --json | jq .modes.unstale.worstStalenessMs

What it shows:
  stale reads      reads that returned a version although a newer one had been committed
                   before the read began
  worst staleness  the longest time from such a commit to the beginning of such a read
  propagation      from a server's save being done to the id having been dropped on another server

While it runs, addresses and process ids are shown on standard error: open them, save with
  $ curl -X PUT --data-binary @file http://127.0.0.1:PORT/README.md
or, on XMPP, join the room with any chat client and type an id to evict it.

Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 stopped by Ctrl-C.`;

export function demoCommand(surroundings: Surroundings): Command {
  return new Command('demo')
    .summary(SUMMARY)
    .description(DESCRIPTION)
    .addOption(
      new Option('--bus <url>', 'what the servers share to hear each other')
        .env('UNSTALE_BUS_URL')
        .default('ipc:'),
    )
    .option('--nodes <count>', 'server processes, 1 to 32', whole(1, 32), 3)
    .option(
      '--seconds <s>',
      'how long each of the three modes is measured',
      decimal(0.5, 3_600),
      10,
    )
    .option(
      '--rate <n>',
      'reads per second, all servers together, 1 to 10000',
      decimal(1, 10_000),
      300,
    )
    .option('--writes <n>', 'saves per second, 0 to 1000', decimal(0, 1_000), 2)
    .option('--ttl <s>', 'how long the TTL cache keeps an entry', decimal(0.1, 86_400), 10)
    .option(
      '--latency <ms>',
      'how long the origin takes; varies by a quarter, up and down',
      decimal(0, 10_000),
      80,
    )
    .option('--seed <n>', 'the same seed makes the same workload', whole(0, 4_294_967_295), 1)
    .option('--resources <dir>', 'the folder to serve (default: the files of this project)')
    .option(
      '--port <n>',
      'the origin listens on it, the servers on the next ones (default: any free ones)',
      whole(1, 65_535),
    )
    .option('--json', 'print one JSON document on standard output, and nothing else')
    .addHelpText('after', TEACHING)
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import('./demo/run-demo.ts');
      await runDemo(flags, surroundings);
    });
}

function whole(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

function decimal(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,10}(\.\d{1,6})?$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a number from ${low} to ${high}.`);
  };
}
