import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compiled } from './compiled.ts';
import type { MemberTask, OrderName, Orders } from './orders.ts';

export interface MemberOptions extends MemberTask {
  /** A folder for the profiles of what is timed. */
  readonly profileIn?: string | undefined;
}

/** A member process, as the bench sees it: one order at a time. */
export class Member implements AsyncDisposable {
  readonly #child: ChildProcess;
  #closed = false;

  static async start(options: MemberOptions): Promise<Member> {
    const { role, contender, count, profileIn } = options;
    const task: MemberTask = { role, contender, count };
    const child = fork(compiled('member-main'), [JSON.stringify(task)], {
      env: {
        ...process.env,
        ...(profileIn === undefined ? {} : { BENCH_PROFILES: profileIn }),
      },
    });
    const member = new Member(child);
    await member.#answer('start');
    return member;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  async tell<Name extends OrderName>(
    name: Name,
    order: Orders[Name]['order'],
  ): Promise<Orders[Name]['answer']> {
    this.#child.send({ name, order });
    return (await this.#answer(name)) as Orders[Name]['answer'];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const gone = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.send({ name: 'close', order: {} });
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), LEAVES_WITHIN_MS);
    await gone;
    clearTimeout(impatience);
  }

  async #answer(what: string): Promise<unknown> {
    const stop = new AbortController();
    const { signal } = stop;
    try {
      const [message] = (await Promise.race([
        once(this.#child, 'message', { signal }),
        once(this.#child, 'exit', { signal }).then(() => {
          throw new Error(`a member process ended during ${what}`);
        }),
      ])) as [{ readonly answer?: unknown; readonly failure?: string }];
      if (message.failure !== undefined) throw new Error(`${what}: ${message.failure}`);
      return message.answer;
    } finally {
      stop.abort();
    }
  }
}

const LEAVES_WITHIN_MS = 10_000;
