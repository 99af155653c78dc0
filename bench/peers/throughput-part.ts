import type { BenchOptions } from '../bench-options.ts';
import { medianOf, medianRatio, runKeys, WARM_UPS, type Run } from '../rig/run-keys.ts';
import type { Grounds, Side } from './grounds.ts';
import type { Part } from './part.ts';
import { Teams } from './teams.ts';

const SUBSCRIBERS = 4;
const CONCURRENCY = 100;
const ROUNDS = 5;
const TIMES_FASTEST = 2.5;

/** A second or two for each, so that the whole ends in minutes: a rate is what is compared. */
const KEYS: Readonly<Record<Side['name'], number>> = {
  ipc: 50_000,
  xmpp: 50_000,
  stomp: 50_000,
  amqp: 50_000,
  bentocache: 20_000,
  'layered-loader': 40_000,
  cacheable: 25_000,
  ioredis: 40_000,
};

const NOTE =
  `throughput: 1 publisher and ${SUBSCRIBERS} subscribers, each a process with a warm local cache; one key a call, ` +
  `${CONCURRENCY} calls under way; the time ends when the last subscriber has dropped the last key. layered-loader does ` +
  'not wait for Redis in invalidateCacheFor, so that all its keys are under way at once; its publisher’s processor ' +
  'time is counted until Redis has answered. A ratio is the median of the ratios of the rounds, in which all take turns.';

/** How many invalidations a second reach four others. */
export async function throughputPart(grounds: Grounds, options: BenchOptions): Promise<Part> {
  const { rounds = ROUNDS, keys = Number.POSITIVE_INFINITY, onProgress } = options;
  const sides = [...grounds.ours, ...grounds.peers, grounds.ioredis];
  await using teams = await Teams.start(sides, {
    subscribers: SUBSCRIBERS,
    channel: 'throughput',
    onProgress,
  });
  const runs = new Map(sides.map((side) => [side, [] as Run[]]));
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    for (const side of sides) {
      const load = { keys: Math.min(keys, KEYS[side.name]), concurrency: CONCURRENCY };
      const one = await runKeys(teams.of(side), load);
      onProgress?.(`round ${round}: ${side.title}: ${one.keysPerSecond.toFixed(0)}/s`);
      if (round >= 0) runs.get(side)?.push(one);
    }
  }
  const of = (side: Side): readonly Run[] => runs.get(side) ?? [];
  const fastest = fastestOf(grounds.peers, (side) => medianOf(of(side), 'keysPerSecond'));
  return {
    table: {
      title: `throughput: 1 publisher, ${SUBSCRIBERS} subscribers; ratio to ${fastest.title}, the fastest of the peers`,
      head: ['', 'keys/s', 'lost', 'publisher µs/key', 'subscriber µs/key', 'ratio'],
      rows: sides.map((side) => [
        side.title,
        medianOf(of(side), 'keysPerSecond').toFixed(0),
        lostIn(of(side)).toFixed(0),
        medianOf(of(side), 'publisherUs'),
        medianOf(of(side), 'subscriberUs'),
        medianRatio(of(side), of(fastest)),
      ]),
    },
    verdicts: grounds.ours.flatMap((side) => {
      const ratio = medianRatio(of(side), of(fastest));
      const lost = lostIn(of(side));
      const faster = {
        promise: `${side.title} / ${fastest.title}, keys a second`,
        measured: ratio,
        limit: TIMES_FASTEST,
        bound: 'at least',
        holds: ratio >= TIMES_FASTEST,
      } as const;
      const none = { promise: `${side.title}: keys lost`, measured: lost, limit: 0 };
      // Of ipc, which has no broker, no throughput is promised.
      return [...(side.name === 'ipc' ? [] : [faster]), { ...none, holds: lost === 0 }];
    }),
    note: NOTE,
  };
}

function fastestOf(sides: readonly Side[], rateOf: (side: Side) => number): Side {
  const [fastest] = sides.toSorted((a, b) => rateOf(b) - rateOf(a));
  if (fastest === undefined) throw new Error('no peer takes part');
  return fastest;
}

function lostIn(runs: readonly Run[]): number {
  return runs.reduce((sum, one) => sum + one.lost, 0);
}
