import { quantile } from '../measure.ts';
import type { Team } from './team.ts';

/** From the call to the eviction in another process, at a steady pace, in ms. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly lost: number;
}

/** Invalidates at a steady pace, and says how long each took to be dropped by the subscribers. */
export async function runPace(
  team: Team,
  options: { readonly perSecond: number; readonly seconds: number },
): Promise<Latency> {
  const keys = options.perSecond * options.seconds;
  await team.warm(keys);
  for (const subscriber of team.subscribers) await subscriber.tell('listen', {});
  const draining = team.subscribers.map((subscriber) => subscriber.tell('drain', {}));
  const calls = await team.publisher.tell('pace', options);
  await Promise.all(draining);
  const tookMs: number[] = [];
  let lost = 0;
  for (const subscriber of team.subscribers) {
    const evictions = await subscriber.tell('evictions', { keys });
    for (const [number, calledNs] of calls.entries()) {
      const evictedNs = evictions[number] ?? 0;
      if (evictedNs === 0) lost += 1;
      else tookMs.push((evictedNs - calledNs) / 1e6);
    }
  }
  return {
    p50: quantile(tookMs, 0.5),
    p99: quantile(tookMs, 0.99),
    p999: quantile(tookMs, 0.999),
    lost,
  };
}

/** The median of one figure of some runs. */
export function medianLatency(runs: readonly Latency[], figure: keyof Latency): number {
  return quantile(
    runs.map((one) => one[figure]),
    0.5,
  );
}
