import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { forkBeside } from '../support/fork-beside.ts';
import type { MemberCommand, MemberReport, ParentMessage } from './member-main.ts';

/** One call of a child's loader, which waits for the test. */
export interface Load {
  readonly keys: readonly string[];
  /** What the record had when it was asked. */
  readonly seen: readonly string[];
  answer(): void;
}

/** The system of record of all children: in the test's own process, so that it outlives them. */
export class SystemOfRecord {
  readonly #versions = new Map<string, number>();
  readonly committedAtMs: Map<string, number> = new Map();
  /** Answer at once, and count only. */
  open = false;
  loads = 0;

  commit(key: string): void {
    this.#versions.set(key, (this.#versions.get(key) ?? 1) + 1);
    this.committedAtMs.set(this.valueOf(key), performance.now());
  }

  valueOf(key: string): string {
    return `${key}@${this.#versions.get(key) ?? 1}`;
  }
}

/** A node in a process of its own. */
export class MemberProcess {
  readonly #child: ChildProcess;
  readonly #record: SystemOfRecord;
  readonly #settled = new Map<
    number,
    { resolve(value: unknown): void; reject(error: Error): void }
  >();
  readonly loads: Load[] = [];
  #watchers: (() => void)[] = [];
  #commands = 0;
  #ready = false;
  /** Its origin, once it has joined. */
  origin = '';

  private constructor(child: ChildProcess, record: SystemOfRecord) {
    this.#child = child;
    this.#record = record;
    child.on('message', (report: MemberReport) => {
      this.#hear(report);
    });
    child.on('exit', () => {
      const gone = new Error('the process has ended');
      for (const call of this.#settled.values()) call.reject(gone);
      this.#settled.clear();
    });
  }

  static async start(record: SystemOfRecord): Promise<MemberProcess> {
    const member = new MemberProcess(forkBeside(import.meta.url, 'member-main'), record);
    await member.#until(() => member.#ready);
    return member;
  }

  /**
   * Nodes of one cluster over one bus, each of which the others count on. The first of them is there before
   * the others, so that it is the one that carries a bus without a broker.
   */
  static async cluster(
    count: number,
    options: { readonly url: string; readonly record: SystemOfRecord; readonly boundMs: number },
  ): Promise<readonly MemberProcess[]> {
    const { url, record, boundMs } = options;
    const members = await Promise.all(
      Array.from({ length: count }, () => MemberProcess.start(record)),
    );
    const join = async (member: MemberProcess, index: number): Promise<void> => {
      const label = `n${index + 1}`;
      const command = { type: 'join', url, label, boundMs, nodes: count } as const;
      member.origin = String(await member.do(command));
    };
    const [first, ...others] = members;
    if (first !== undefined) await join(first, 0);
    await Promise.all(others.map((member, index) => join(member, index + 1)));
    await Promise.all(members.map((member) => member.do({ type: 'beReady' })));
    return members;
  }

  do(command: MemberCommand): Promise<unknown> {
    this.#commands += 1;
    const id = this.#commands;
    return new Promise((resolve, reject) => {
      this.#settled.set(id, { resolve, reject });
      this.#say({ type: 'command', id, command });
    });
  }

  /** Resolves once its loader has been called so many times. */
  async asked(count: number): Promise<void> {
    await this.#until(() => this.loads.length >= count);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await once(this.#child, 'exit');
    }
  }

  #hear(report: MemberReport): void {
    switch (report.type) {
      case 'ready':
        this.#ready = true;
        break;
      case 'done': {
        const { id, value, error } = report;
        const call = this.#settled.get(id);
        this.#settled.delete(id);
        if (error === undefined) call?.resolve(value);
        else call?.reject(new Error(error));
        break;
      }
      case 'load':
        this.#load(report.id, report.keys);
        break;
      case 'commit':
        this.#record.commit(report.key);
        this.#say({ type: 'committed' });
    }
    for (const watch of this.#watchers) watch();
  }

  #load(id: number, keys: readonly string[]): void {
    const seen = keys.map((key) => this.#record.valueOf(key));
    const answer = (): void => {
      this.#say({ type: 'loaded', id, values: seen });
    };
    this.#record.loads += 1;
    if (this.#record.open) answer();
    else this.loads.push({ keys, seen, answer });
  }

  #say(message: ParentMessage): void {
    if (this.#child.connected) this.#child.send(message);
  }

  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const watch = (): void => {
        if (!holds()) return;
        this.#watchers = this.#watchers.filter((other) => other !== watch);
        resolve();
      };
      this.#watchers.push(watch);
    });
  }
}
