import type { ContenderConfig } from './contender.ts';
import { Member } from './member.ts';

/** One publisher and some subscribers, each a process of its own, of one contender. */
export class Team implements AsyncDisposable {
  readonly publisher: Member;
  readonly subscribers: readonly Member[];

  static async start(options: {
    readonly contender: ContenderConfig;
    readonly subscribers: number;
    readonly timesEvictions?: boolean;
    readonly profileIn?: string | undefined;
  }): Promise<Team> {
    const { contender, subscribers: count, timesEvictions = false, profileIn } = options;
    const start = (role: 'publisher' | 'subscriber'): Promise<Member> =>
      Member.start({ contender, role, count: 1, timesEvictions, profileIn });
    // One after the other: what starts at the same time takes the processor from each other until attempts time out.
    const publisher = await start('publisher');
    const subscribers: Member[] = [];
    for (let index = 0; index < count; index += 1) subscribers.push(await start('subscriber'));
    const team = new Team(publisher, subscribers);
    await Promise.all(team.members.map((member) => member.tell('ready', {})));
    return team;
  }

  private constructor(publisher: Member, subscribers: readonly Member[]) {
    this.publisher = publisher;
    this.subscribers = subscribers;
  }

  get members(): readonly Member[] {
    return [this.publisher, ...this.subscribers];
  }

  async warm(keys: number): Promise<void> {
    for (const subscriber of this.subscribers) await subscriber.tell('warm', { keys });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}
