import { joinCluster } from 'unstale';
import { memoryBus } from 'unstale/adapters/memory';
import type { BenchOptions } from '../bench-options.ts';
import { measure, tableOf, type Figure, type Side as Reading } from '../measure.ts';
import type { Verdict } from '../report.ts';
import { keyOf, numberOf } from '../rig/orders.ts';
import { openPeer, PEERS, TTL_MS, type PeerCache, type PeerName } from '../rig/peer-cache.ts';
import { awaited, sync, zipf, type Article } from '../rig/reading.ts';
import type { Grounds } from './grounds.ts';
import type { Part } from './part.ts';

const ENTRIES = 10_000;
const OPERATIONS = 50_000;
const ROUNDS = 15;

const OUR_GET = 'unstale: await get';
const OUR_PEEK = 'unstale: peek';

const NOTE =
  `hit: ${ENTRIES} warm keys read as people do (Zipf), in one process and in turns, processor time; all keep the ` +
  'value itself (bentocache with serialize: false, cacheable with useClone: false) for ten minutes. An awaited call is ' +
  'compared with the cheapest awaited call of theirs, and a call that answers at once with the cheapest of theirs that ' +
  'does. ratio: to unstale: await get.';

interface Call {
  readonly name: string;
  readonly isAwaited: boolean;
  readonly isOurs: boolean;
  readonly reading: Reading;
}

/** What it costs to read what is there. */
export async function hitPart(grounds: Grounds, options: BenchOptions): Promise<Part> {
  options.onProgress?.('hit: reading');
  const keys = Array.from({ length: ENTRIES }, (_, id) => keyOf(id));
  const reads = zipf(keys, OPERATIONS);
  await using cluster = await joinCluster({
    name: 'hit',
    bus: memoryBus({ channel: 'hit' }),
    expectedNodes: 1,
  });
  await cluster.ready();
  const cache = cluster.cache('articles', { maxEntries: ENTRIES * 2, ttlMs: TTL_MS, load });
  for (const key of keys) await cache.get(key);
  const peers = new Map<PeerName, PeerCache>();
  try {
    for (const name of PEERS) {
      const peer = await openPeer(name, { ...grounds.redis, channel: `hit-${name}`, load });
      peers.set(name, peer);
      for (const [id, key] of keys.entries()) await peer.warm(key, { id });
    }
    const ours = [
      {
        ...call(
          true,
          awaited(OUR_GET, reads, (key) => cache.get(key)),
        ),
        isOurs: true,
      },
      {
        ...call(
          false,
          sync(OUR_PEEK, reads, (key) => cache.peek(key)),
        ),
        isOurs: true,
      },
    ];
    const calls = [...ours, ...[...peers].flatMap(([name, peer]) => callsOf(name, peer, reads))];
    const rounds = Math.max(1, Math.min(ROUNDS, (options.rounds ?? ROUNDS) * 3));
    const figures = await measure(
      calls.map(({ reading }) => reading),
      { operations: OPERATIONS, rounds },
    );
    return {
      table: tableOf(`hit: ${ENTRIES} keys, ns of processor time for a call`, figures),
      verdicts: [
        ...verdictOn(OUR_GET, true, calls, figures),
        ...verdictOn(OUR_PEEK, false, calls, figures),
      ],
      note: NOTE,
    };
  } finally {
    await Promise.all([...peers.values()].map((peer) => peer.close()));
  }
}

function load(key: string): Promise<Article> {
  return Promise.resolve({ id: numberOf(key) });
}

function callsOf(name: PeerName, peer: PeerCache, reads: readonly string[]): readonly Call[] {
  return peer.hits.map((hit) => {
    const title = `${name}: ${hit.call}`;
    return 'awaited' in hit
      ? call(true, awaited(title, reads, hit.awaited))
      : call(false, sync(title, reads, hit.sync));
  });
}

function call(isAwaited: boolean, reading: Reading): Call {
  return { name: reading.name, isAwaited, isOurs: false, reading };
}

/** Ours against the cheapest of theirs that answers in the same way. */
function verdictOn(
  name: string,
  isAwaited: boolean,
  calls: readonly Call[],
  figures: readonly Figure[],
): readonly Verdict[] {
  const theirs = new Set(
    calls.filter((one) => !one.isOurs && one.isAwaited === isAwaited).map((one) => one.name),
  );
  const [cheapest] = figures
    .filter((figure) => theirs.has(figure.name))
    .toSorted((a, b) => a.ratio - b.ratio);
  const own = figures.find((figure) => figure.name === name);
  if (cheapest === undefined || own === undefined) return [];
  const measured = own.ratio / cheapest.ratio;
  return [{ promise: `${name} / ${cheapest.name}`, measured, limit: 1, holds: measured < 1 }];
}
