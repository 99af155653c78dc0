import type { Coherence } from '../src/protocol/coherence.ts';
import { RegionBoard } from '../src/cluster/region-board.ts';
import { Store } from '../src/cache/store.ts';
import type { BenchOptions } from './bench-options.ts';
import { quantile } from './measure.ts';
import type { BenchReport } from './report.ts';
import { coreOf, instant } from './rig/core.ts';
import { keyOf } from './rig/orders.ts';
import { versionsOf } from './rig/versions.ts';

const KEYS = 200_000;
/** Keys in one call. What waits beyond a bound would become a flush of the region. */
const CALL_KEYS = 10_000;
const ROUNDS = 15;
const WARM_UPS = 3;
const REGION = 'articles';
const KEYS_PER_SECOND = 1_000_000;
const LIMIT = 2;

const QUESTION =
  'How fast are frames decoded and applied, without a socket, beside JSON.parse and Map.delete?';

/** What a receiver has to do with frames that it has heard: nothing but that is timed. */
export function run(options: BenchOptions = {}): Promise<BenchReport> {
  const { rounds = ROUNDS, keys: count = KEYS } = options;
  const keys = Array.from({ length: count }, (_, number) => keyOf(number));
  const publisher = coreOf('publisher');
  const receiver = coreOf('receiver');
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = -WARM_UPS; round < rounds; round += 1) {
    const frames = framesOf(publisher, keys);
    const own = runOurs(receiver, frames, keys);
    const other = runBare(frames, keys);
    if (round < 0) continue;
    ours.push(own);
    bare.push(other);
  }
  const ratio = quantile(
    ours.map((seconds, round) => seconds / (bare[round] ?? Number.NaN)),
    0.5,
  );
  const rate = (seconds: readonly number[]): number => count / quantile(seconds, 0.5);
  const row = (title: string, seconds: readonly number[]): string[] => [
    title,
    rate(seconds).toFixed(0),
    ((quantile(seconds, 0.5) / count) * 1e9).toFixed(0),
  ];
  return Promise.resolve({
    question: QUESTION,
    versions: versionsOf(),
    tables: [
      {
        title: `${count} keys in frames of 256, of one publisher`,
        head: ['', 'keys/s', 'ns a key'],
        rows: [
          row('unstale: decode, account, drop from the store', ours),
          row('JSON.parse, Map.delete', bare),
        ],
      },
    ],
    verdicts: [
      {
        promise: 'keys a second on one core',
        measured: rate(ours),
        limit: KEYS_PER_SECOND,
        bound: 'at least',
        holds: rate(ours) >= KEYS_PER_SECOND,
      },
      {
        promise: 'unstale / JSON.parse and Map.delete',
        measured: ratio,
        limit: LIMIT,
        holds: ratio <= LIMIT,
      },
    ],
    notes: [
      'Processor time of the process, both sides on the same frames, in turns. The store is the one behind a cache, on lru-cache.',
    ],
  });
}

function runOurs(receiver: Coherence, frames: readonly string[], keys: readonly string[]): number {
  const board = new RegionBoard(30_000);
  const store = new Store<{ readonly key: string }>({
    maxEntries: keys.length * 2,
    maxSize: undefined,
    sizeOf: undefined,
    onUnproven: 'ttl',
    settleMs: 0,
    remembersDrops: false,
    keepInvalidated: false,
    localMs: () => performance.now(),
    ticketsProtect: true,
  });
  store.follow(board.add(REGION, store));
  for (const key of keys) store.redeem(store.issue(key), { key }, [], 600_000);
  const seconds = timed(() => {
    for (const frame of frames) {
      for (const effect of receiver.step({ type: 'frame', frame }, instant())) {
        if (effect.type === 'apply') board.apply(effect.selection, effect.cause);
      }
    }
  });
  if (store.size > 0) throw new Error(`${store.size} entries were not dropped`);
  return seconds;
}

function runBare(frames: readonly string[], keys: readonly string[]): number {
  const entries = new Map(keys.map((key) => [key, { key }]));
  const seconds = timed(() => {
    for (const frame of frames) {
      const message = JSON.parse(frame) as { readonly k: Readonly<Record<string, string[]>> };
      for (const key of message.k[REGION] ?? []) entries.delete(key);
    }
  });
  if (entries.size > 0) throw new Error(`${entries.size} entries were not dropped`);
  return seconds;
}

/** Seconds of processor time. */
function timed(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function framesOf(publisher: Coherence, keys: readonly string[]): readonly string[] {
  const frames: string[] = [];
  const take = (effects: ReturnType<Coherence['step']>): void => {
    for (const effect of effects) {
      if (effect.type !== 'send') continue;
      if (effect.frame.includes('"inv"')) frames.push(effect.frame);
      take(publisher.step({ type: 'sent', id: effect.id, outcome: 'accepted' }, instant()));
    }
  };
  for (let from = 0; from < keys.length; from += CALL_KEYS) {
    const selection = { keys: { [REGION]: keys.slice(from, from + CALL_KEYS) } };
    take(
      publisher.step({ type: 'invalidate', call: 1, selection, wait: { for: 'bus' } }, instant()),
    );
  }
  return frames;
}
