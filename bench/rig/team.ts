import type { ContenderConfig } from './contender.ts';
import { Member } from './member.ts';

/** One publisher and some subscribers of one contender, in processes of their own. */
export class Team implements AsyncDisposable {
  readonly publisher: Member;
  readonly subscribers: readonly Member[];

  static async start(options: {
    readonly contender: ContenderConfig;
    /** Subscribers, each in a process of its own; or how many there are in each process. */
    readonly subscribers: number | readonly number[];
    readonly profileIn?: string | undefined;
  }): Promise<Team> {
    const { contender, subscribers: asked, profileIn } = options;
    const counts = typeof asked === 'number' ? Array.from({ length: asked }, () => 1) : asked;
    const start = (role: 'publisher' | 'subscriber', count: number): Promise<Member> =>
      Member.start({ contender, role, count, profileIn });
    // One after the other: what starts at the same time takes the processor from each other until attempts time out.
    const publisher = await start('publisher', 1);
    const subscribers: Member[] = [];
    for (const count of counts) subscribers.push(await start('subscriber', count));
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
