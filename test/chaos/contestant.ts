import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TcpProxy } from '../../conformance-tests/index.ts';
import type { NodeTally } from './history.ts';
import type { NodeTask } from './node-main.ts';

const NODE_MAIN = fileURLToPath(new URL('node-main.ts', import.meta.url));
/** Where Debian's package libfaketime puts it. */
export const FAKETIME: string = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`;
/** A node may wait so long for the broker, and for the processor. */
const TALLY_WITHIN_MS = 60_000;

/** One node process and its line to the broker: it can be stopped, killed, started again, and lied to about the time. */
export class Contestant {
  readonly proxy: TcpProxy;
  readonly #task: NodeTask;
  readonly #clockFile: string | undefined;
  #process: ChildProcess;

  constructor(task: NodeTask, proxy: TcpProxy, clockFile: string | undefined) {
    this.#task = task;
    this.proxy = proxy;
    this.#clockFile = clockFile;
    if (clockFile !== undefined) writeFileSync(clockFile, '+0\n');
    this.#process = this.#start();
  }

  get label(): string {
    return this.#task.label;
  }

  get hasFakeClock(): boolean {
    return this.#clockFile !== undefined;
  }

  async joined(): Promise<void> {
    await this.#told('joined');
  }

  pause(): void {
    this.#process.kill('SIGSTOP');
  }

  resume(): void {
    this.#process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  restart(): void {
    this.#process = this.#start();
  }

  /** Sets the wall clock of the process so many seconds off. */
  setClock(offsetSeconds: number): void {
    if (this.#clockFile !== undefined) {
      writeFileSync(this.#clockFile, `${offsetSeconds >= 0 ? '+' : ''}${offsetSeconds}\n`);
    }
  }

  quiet(): void {
    this.#process.send({ order: 'quiet' });
  }

  async finish(): Promise<NodeTally> {
    this.#process.send({ order: 'finish' });
    const message = await this.#told('tally');
    return (message as { readonly tally: NodeTally }).tally;
  }

  /** Ends the process, whatever state it is in. */
  end(): void {
    this.#process.kill('SIGKILL');
  }

  async #told(type: string): Promise<object> {
    const signal = AbortSignal.timeout(TALLY_WITHIN_MS);
    for (;;) {
      const [message] = (await once(this.#process, 'message', { signal })) as [{ type: string }];
      if (message.type === type) return message;
    }
  }

  #start(): ChildProcess {
    const clock =
      this.#clockFile === undefined
        ? {}
        : {
            LD_PRELOAD: FAKETIME,
            FAKETIME_TIMESTAMP_FILE: this.#clockFile,
            FAKETIME_NO_CACHE: '1',
            // The history is told by the monotonic clock, and timers run on it.
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            DONT_FAKE_MONOTONIC: '1',
          };
    return fork(NODE_MAIN, [JSON.stringify(this.#task)], {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, ...clock },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }
}
