import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { forkBeside } from '../../support/fork-beside.ts';
import { Heard } from '../../support/heard.ts';
import type { MemberCommand, MemberReport } from './member-main.ts';

/** An ipc bus in a process of its own. */
export class MemberProcess {
  readonly heard: Heard = new Heard();
  readonly #child: ChildProcess;
  readonly #settled = new Map<number, (error: string | undefined) => void>();
  #commands = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (report: MemberReport) => {
      if (report.type === 'heard') {
        this.heard.add(report.line);
        return;
      }
      this.#settled.get(report.id)?.(report.error);
      this.#settled.delete(report.id);
    });
  }

  static async start(): Promise<MemberProcess> {
    const child = forkBeside(import.meta.url, 'member-main');
    const member = new MemberProcess(child);
    await member.heard.until('ready');
    member.heard.lines.length = 0;
    return member;
  }

  static startAll(count: number): Promise<MemberProcess[]> {
    return Promise.all(Array.from({ length: count }, () => MemberProcess.start()));
  }

  /** Resolves when the process has done it. */
  do(command: MemberCommand): Promise<void> {
    this.#commands += 1;
    const id = this.#commands;
    return new Promise((resolve, reject) => {
      this.#settled.set(id, (error) => {
        if (error === undefined) resolve();
        else reject(new Error(error));
      });
      this.#child.send({ id, command });
    });
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
}
