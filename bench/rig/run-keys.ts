import { quantile } from '../measure.ts';
import type { Team } from './team.ts';

/** The code of a frame runs a hundred times less often than that of a message, and is optimized as much later. */
export const WARM_UPS = 3;

/** What one run of one team came to. */
export interface Run {
  readonly keysPerSecond: number;
  readonly lost: number;
  /** Processor time for a key, in µs. */
  readonly publisherUs: number;
  readonly subscriberUs: number;
  /** Not a number where it is not asked for, or the system does not say. */
  readonly brokerUs: number;
}

/** Publishes all keys and waits until every subscriber has dropped all of them. */
export async function runKeys(
  team: Team,
  options: {
    readonly keys: number;
    readonly concurrency: number;
    /** Processor time that the broker has used so far. */
    readonly brokerSeconds?: () => number;
  },
): Promise<Run> {
  const { keys, concurrency, brokerSeconds = unknown } = options;
  await team.warm(keys);
  const brokerBefore = brokerSeconds();
  const draining = team.subscribers.map((subscriber) => subscriber.tell('drain', {}));
  const published = await team.publisher.tell('publish', { keys, concurrency });
  const drained = await Promise.all(draining);
  const endNs = Math.max(published.acceptedNs, ...drained.map((one) => one.endNs));
  const subscriberUs =
    drained.reduce((sum, one) => sum + one.cpuUs, 0) / Math.max(1, drained.length);
  return {
    keysPerSecond: keys / ((endNs - published.startNs) / 1e9),
    lost: drained.reduce((sum, one) => sum + one.lost, 0),
    publisherUs: published.cpuUs / keys,
    subscriberUs: subscriberUs / keys,
    brokerUs: ((brokerSeconds() - brokerBefore) * 1e6) / keys,
  };
}

function unknown(): number {
  return Number.NaN;
}

/** The median of one figure of some runs. */
export function medianOf(runs: readonly Run[], figure: keyof Run): number {
  return quantile(
    runs.map((run) => run[figure]),
    0.5,
  );
}

/** The median of the ratios, round by round: what slows a round slows both sides. */
export function medianRatio(runs: readonly Run[], others: readonly Run[]): number {
  return quantile(
    runs.map((run, round) => run.keysPerSecond / (others[round]?.keysPerSecond ?? Number.NaN)),
    0.5,
  );
}
