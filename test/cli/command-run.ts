import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command `unstale`, run as a process. */
export class CommandRun {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #looks = new Set<() => void>();
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#ended = once(this.#child, 'close');
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.#child.on('close', () => {
      this.#look();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves with what `find` gives, as soon as it gives something; fails if the process ends before. */
  until<Found>(find: (run: this) => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find(this);
        if (found === undefined && !this.hasEnded) return;
        this.#looks.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`it ended before that was to be seen; it said:\n${this.stderr}`));
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Resolves with the text of the first match on standard error. */
  async untilSaid(pattern: RegExp): Promise<string> {
    return await this.until((run) => pattern.exec(run.stderr)?.[0]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Nobody reads its standard output any more. */
  closeStdout(): void {
    this.#child.stdout?.destroy();
  }

  async result(): Promise<CommandResult> {
    await this.#ended;
    const { exitCode: code, signalCode: signal } = this.#child;
    return { code, signal, stdout: this.stdout, stderr: this.stderr };
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #look(): void {
    for (const look of Array.from(this.#looks)) look();
  }
}

/** Runs the command to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return await new CommandRun(args, env).result();
}
