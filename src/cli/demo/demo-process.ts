import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../user-error.ts';
import type { Order, Role, Telling } from './worker-protocol.ts';

/** How long a process may take to listen, in ms. */
const START_TIMEOUT_MS = 60_000;
/** How long it may take to tell what it counted, in ms. */
const TELL_TIMEOUT_MS = 10_000;
/** How long it may take to end in good order, in ms; then it is killed. */
const STOP_TIMEOUT_MS = 2_500;
/** What it wrote to standard error last, to be shown if it dies. */
const MAX_STDERR_CHARS = 4_096;

const WORKER = fileURLToPath(new URL(`worker${extname(import.meta.url)}`, import.meta.url));

export interface ProcessListener {
  onTelling(telling: Telling): void;
  /** It ended although nobody stopped it. */
  onDeath(description: string): void;
}

/** The origin, or a server, in a process of its own. It ends when this process ends, however that happens. */
export class DemoProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #stderr = '';
  #stopping = false;
  #originReads = 0;

  constructor(name: string, listener: ProcessListener) {
    this.name = name;
    this.#child = fork(WORKER, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#exited = once(this.#child, 'exit');
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_CHARS);
    });
    this.#child.on('error', () => undefined);
    this.#child.on('message', (telling: Telling) => {
      if (telling.type === 'told') this.#originReads = telling.originReads;
      listener.onTelling(telling);
    });
    this.#child.on('exit', (code, signal) => {
      if (!this.#stopping) listener.onDeath(this.#describeDeath(code, signal));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Gives it its role; resolves with the addresses on which it then listens.
   * @throws {UserError} if it cannot do what it is for
   */
  async begin(role: Role, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.#ask(role, ['listening', 'failed'], START_TIMEOUT_MS, signal);
    if (answer.type === 'listening') return answer.bases;
    const isFailure = answer.type === 'failed';
    const message = isFailure ? answer.message : 'it answered what was not asked';
    throw new UserError(message, isFailure ? { exitCode: answer.exitCode } : {});
  }

  measure(): void {
    this.#send({ type: 'measure' });
  }

  /** Resolves when it has told everything, with the number of reads that it served as the origin. */
  async tell(signal: AbortSignal): Promise<number> {
    if (!this.isAlive) return 0;
    await this.#ask({ type: 'tell' }, ['told'], TELL_TIMEOUT_MS, signal);
    return this.#originReads;
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.isAlive) return;
    if (this.#child.connected) this.#child.disconnect();
    const patience = new AbortController();
    const tooLong = wait(STOP_TIMEOUT_MS, 'late', { signal: patience.signal });
    tooLong.catch(() => undefined);
    if ((await Promise.race([this.#exited, tooLong])) === 'late') {
      this.#child.kill('SIGKILL');
      await this.#exited;
    }
    patience.abort();
  }

  #send(order: Order): void {
    // Whoever dies in this moment is reported by its exit.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  #ask(
    order: Order,
    types: readonly Telling['type'][],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Telling> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onMessage = (telling: Telling): void => {
        if (types.includes(telling.type))
          settle(() => {
            resolve(telling);
          });
      };
      const onExit = (code: number | null, by: string | null): void => {
        settle(() => {
          reject(new UserError(this.#describeDeath(code, by)));
        });
      };
      const onAbort = (): void => {
        settle(() => {
          reject(signal.reason);
        });
      };
      const timer = setTimeout(() => {
        settle(() => {
          reject(new UserError(`${this.name} did not answer within ${timeoutMs / 1_000} s`));
        });
      }, timeoutMs);
      this.#child.on('message', onMessage);
      this.#child.on('exit', onExit);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (!this.isAlive) onExit(this.#child.exitCode, this.#child.signalCode);
      else this.#send(order);
    });
  }

  #describeDeath(code: number | null, signal: string | null): string {
    const how = signal === null ? `with code ${String(code)}` : `by ${signal}`;
    const last = this.#stderr.trim();
    return `${this.name} (process ${this.pid}) ended ${how}${last === '' ? '' : `\n${last}`}`;
  }
}
