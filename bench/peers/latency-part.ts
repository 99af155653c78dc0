import type { BenchOptions } from '../bench-options.ts';
import { quantile } from '../measure.ts';
import type { Verdict } from '../report.ts';
import { medianLatency, runPace, type Latency } from '../rig/run-pace.ts';
import type { Grounds, Side } from './grounds.ts';
import type { Part } from './part.ts';
import { Teams } from './teams.ts';

const PER_SECOND = 200;
const SECONDS = 3;
const ROUNDS = 3;
const TIMES_FASTEST = 2;

const NOTE =
  `latency: ${PER_SECOND} invalidations a second for ${SECONDS} s, 1 publisher and 1 subscriber, each a process; from ` +
  'the call to the moment at which the entry has gone from the local store of the other process, by the monotonic clock ' +
  'of the machine. Of ours its telemetry says so (unstale:applied); of the peers the delete of the local store is ' +
  'wrapped: MemoryDriver.delete of bentocache, delete of the target of layered-loader’s notification consumer, ' +
  'CacheableMemory.delete of cacheable; of ioredis it is Map.delete. Medians of interleaved rounds.';

/** How long an invalidation takes to another process. */
export async function latencyPart(grounds: Grounds, options: BenchOptions): Promise<Part> {
  const { rounds = ROUNDS, keys = PER_SECOND * SECONDS, onProgress } = options;
  const seconds = Math.min(SECONDS, Math.max(1, Math.floor(keys / PER_SECOND)));
  const sides = [...grounds.ours, ...grounds.peers, grounds.ioredis];
  await using teams = await Teams.start(sides, {
    subscribers: 1,
    channel: 'latency',

    onProgress,
  });
  const runs = new Map(sides.map((side) => [side, [] as Latency[]]));
  // The first round only warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (const side of sides) {
      const pace = { perSecond: PER_SECOND, seconds: round < 0 ? 1 : seconds };
      const one = await runPace(teams.of(side), pace);
      onProgress?.(`round ${round}: ${side.title}: p50 ${one.p50.toFixed(2)} ms`);
      if (round >= 0) runs.get(side)?.push(one);
    }
  }
  const of = (side: Side): readonly Latency[] => runs.get(side) ?? [];
  return {
    table: {
      title: 'latency: ms from the call to the eviction in another process',
      head: ['', 'p50', 'p99', 'p99.9', 'lost'],
      rows: sides.map((side) => [
        side.title,
        medianLatency(of(side), 'p50'),
        medianLatency(of(side), 'p99'),
        medianLatency(of(side), 'p999'),
        of(side)
          .reduce((sum, one) => sum + one.lost, 0)
          .toFixed(0),
      ]),
    },
    verdicts: verdictsOn(grounds, of),
    note: NOTE,
  };
}

function verdictsOn(grounds: Grounds, of: (side: Side) => readonly Latency[]): readonly Verdict[] {
  const fastest = lowest(grounds.peers, of);
  const ipc = grounds.ours.find((side) => side.name === 'ipc');
  const broker = lowest(
    grounds.ours.filter((side) => side.name !== 'ipc'),
    of,
  );
  if (fastest === undefined) throw new Error('no peer takes part');
  const verdict = (side: Side | undefined, limit: number): readonly Verdict[] => {
    if (side === undefined) return [];
    const measured = ratio(of(side), of(fastest));
    const promise = `${side.title} / ${fastest.title}, the fastest of the peers, p50`;
    return [{ promise, measured, limit, holds: measured <= limit }];
  };
  return [...verdict(ipc, 1), ...verdict(broker, TIMES_FASTEST)];
}

function lowest(sides: readonly Side[], of: (side: Side) => readonly Latency[]): Side | undefined {
  const p50 = (side: Side): number => medianLatency(of(side), 'p50');
  return sides.toSorted((a, b) => p50(a) - p50(b))[0];
}

function ratio(runs: readonly Latency[], others: readonly Latency[]): number {
  return quantile(
    runs.map((one, round) => one.p50 / (others[round]?.p50 ?? Number.NaN)),
    0.5,
  );
}
