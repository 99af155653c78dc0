import { Team } from '../rig/team.ts';
import type { Side } from './grounds.ts';

/** The teams of all sides at the same time, so that they can take turns. */
export class Teams implements AsyncDisposable {
  readonly #teams = new Map<Side, Team>();

  static async start(
    sides: readonly Side[],
    options: {
      readonly subscribers: number;
      readonly channel: string;
      readonly onProgress: ((line: string) => void) | undefined;
    },
  ): Promise<Teams> {
    const { subscribers, channel, onProgress } = options;
    const teams = new Teams();
    try {
      for (const side of sides) {
        onProgress?.(`${channel}: starting ${subscribers + 1} processes: ${side.title}`);
        const contender = side.config(subscribers + 1, channel);
        teams.#teams.set(side, await Team.start({ contender, subscribers }));
      }
      return teams;
    } catch (error) {
      await teams[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor() {}

  of(side: Side): Team {
    const team = this.#teams.get(side);
    if (team === undefined) throw new Error(`${side.title} has no team`);
    return team;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#teams.values()].map((team) => team[Symbol.asyncDispose]()));
  }
}
