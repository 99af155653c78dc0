import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerControls } from './broker.ts';
import { processorSeconds } from './processor-time.ts';
import { Watchdog } from './watchdog.ts';

/** What there is to do to have the broker's process. */
export interface BrokerPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Rejects as long as the broker would not let a client in. */
  readonly probe: () => Promise<void>;
  /** How long it may take until the probe succeeds, in ms. */
  readonly startTimeoutMs: number;
}

const PROBE_EVERY_MS = 100;
const POLL_EVERY_MS = 20;
const END_TIMEOUT_MS = 20_000;
const LOG_TAIL_CHARACTERS = 3_000;

/** A new private folder below the system's temporary folder. */
export function privateFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `unstale-${name}-`));
}

/**
 * A broker as a process group of its own in a private folder. It can be killed, frozen and started again on the
 * same ports and data; nothing of it survives this process.
 */
export class BrokerProcess {
  readonly folder: string;
  readonly #plan: BrokerPlan;
  readonly #watchdog: Watchdog;
  #child: ChildProcess | undefined;
  #stopped = false;

  constructor(folder: string, plan: BrokerPlan) {
    this.folder = folder;
    this.#plan = plan;
    this.#watchdog = new Watchdog(folder);
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /**
   * Starts the broker and waits until it lets clients in.
   * @throws {Error} with the tail of its log, if it ends or is not ready in time
   */
  async start(): Promise<void> {
    if (this.#stopped) throw new Error(`${this.#plan.name} was stopped and its data removed`);
    if (this.#child !== undefined) throw new Error(`${this.#plan.name} is running already`);
    const child = this.#spawn();
    this.#child = child;
    try {
      await this.#ready(child);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** SIGKILL for the whole process group; resolves once it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, so that the broker may say goodbye to its clients; SIGKILL if it takes too long. */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Freezes the whole process group (SIGSTOP): connections stay up and nobody answers. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  /** Lets it go on after `pause` (SIGCONT). */
  resume(): void {
    this.#signal('SIGCONT');
  }

  /** Kills the broker and removes its folder. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.kill();
    await this.#watchdog.release();
  }

  /** What a `Broker` offers of it. */
  controls(): BrokerControls {
    return {
      folder: this.folder,
      start: () => this.start(),
      kill: () => this.kill(),
      terminate: () => this.terminate(),
      pause: () => {
        this.pause();
      },
      resume: () => {
        this.resume();
      },
      stop: () => this.stop(),
      logTail: () => this.logTail(),
      processorSeconds: () => this.processorSeconds(),
    };
  }

  /** The last lines that it wrote. */
  logTail(): string {
    try {
      return readFileSync(this.#logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
    } catch {
      return '(no log)';
    }
  }

  /** Processor time of the whole process group, in seconds. */
  processorSeconds(): number | undefined {
    const pid = this.#child?.pid;
    return pid === undefined ? undefined : processorSeconds(pid);
  }

  get #logFile(): string {
    return join(this.folder, 'broker.log');
  }

  #spawn(): ChildProcess {
    const log = openSync(this.#logFile, 'a');
    try {
      const child = spawn(this.#plan.command, this.#plan.args, {
        cwd: this.folder,
        env: { ...process.env, ...this.#plan.env },
        stdio: ['ignore', log, log],
        detached: true,
      });
      this.#watchdog.guard(child.pid);
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #ready(child: ChildProcess): Promise<void> {
    const { name, probe, startTimeoutMs } = this.#plan;
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    const deadline = performance.now() + startTimeoutMs;
    let refusal: unknown;
    while (performance.now() < deadline) {
      if (failure !== undefined)
        throw new Error(`${name} could not be started`, { cause: failure });
      if (hasEnded(child)) throw this.#notStarted('ended at once', refusal);
      try {
        await probe();
        return;
      } catch (error) {
        refusal = error;
      }
      await delay(PROBE_EVERY_MS);
    }
    throw this.#notStarted(`was not ready within ${startTimeoutMs} ms`, refusal);
  }

  #notStarted(what: string, cause: unknown): Error {
    return new Error(`${this.#plan.name} ${what}. The end of its log:\n${this.logTail()}`, {
      cause,
    });
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (child.pid !== undefined) await endGroup(child, child.pid, signal);
    // Somebody else may have ended it at the same time, and started it again.
    if (this.#child !== child) return;
    this.#watchdog.guard(undefined);
    this.#child = undefined;
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#plan.name} is not running`);
    signalGroup(pid, signal);
  }
}

async function endGroup(
  child: ChildProcess,
  group: number,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<void> {
  const exited = hasEnded(child) ? Promise.resolve() : once(child, 'exit');
  child.ref();
  signalGroup(group, signal);
  const deadline = performance.now() + END_TIMEOUT_MS;
  while (groupLives(group) && performance.now() < deadline) await delay(POLL_EVERY_MS);
  signalGroup(group, 'SIGKILL');
  await exited;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group has ended.
  }
}

function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}
