import { readFileSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { memoryBus } from 'unstale/adapters/memory';
import { joinCluster, type CoherentCache } from 'unstale';
import { measure, measureSparse, tableOf, type Figure, type Side } from './measure.ts';
import type { BenchReport, Verdict } from './report.ts';
import { awaited, sync, zipf, type Article } from './rig/reading.ts';

const ENTRIES = 10_000;
const TTL_MS = 600_000;
const OPERATIONS = 200_000;
const ROUNDS = 25;
const LIMIT = 1.3;

const QUESTION = 'What does a hit cost, beside lru-cache, on which the cache stands?';

const NOTE =
  'By default lru-cache reads the clock once in a millisecond, and not again within a turn of the event loop. ' +
  'unstale reads it at every read, because no value may be served beyond its time (READ-1): ' +
  'in a tight loop that reading is most of what a hit costs. The like of it is lru-cache with ttlResolution 0.';

interface Caches {
  /** As people configure it: it reads the clock once per millisecond of the event loop, and not within a turn. */
  readonly lru: LRUCache<string, Article>;
  /** Made to read the clock at every read, as unstale does (READ-1). */
  readonly exact: LRUCache<string, Article>;
  readonly unstale: CoherentCache<Article>;
}

export async function run(): Promise<BenchReport> {
  await using cluster = await joinCluster({
    name: 'bench',
    bus: memoryBus({ channel: 'bench' }),
    expectedNodes: 1,
  });
  await cluster.ready();
  const keys = Array.from({ length: ENTRIES }, (_, id) => `article:${id}`);
  const max = ENTRIES * 2;
  const caches: Caches = {
    lru: new LRUCache({ max, ttl: TTL_MS }),
    exact: new LRUCache({ max, ttl: TTL_MS, ttlResolution: 0 }),
    unstale: cluster.cache('articles', {
      maxEntries: max,
      ttlMs: TTL_MS,
      load: (key) => ({ id: Number(key.slice(8)) }),
    }),
  };
  for (const [id, key] of keys.entries()) {
    await caches.unstale.get(key);
    caches.lru.set(key, { id });
    caches.exact.set(key, { id });
  }
  const many = zipf(keys, OPERATIONS);
  const one = ['article:77'];
  const options = { operations: OPERATIONS, rounds: ROUNDS };
  const inTurn = await measure(syncSides(many, caches), options);
  const inTurnAwaited = await measure(awaitedSides(many, caches), options);
  const sparse = await measureSparse(syncSides(many, caches));
  const tables = [
    tableOf(
      `${ENTRIES} keys, read as people do (Zipf), in one turn of the event loop: a call`,
      inTurn,
    ),
    tableOf(
      `${ENTRIES} keys, read as people do (Zipf), in one turn: an awaited call`,
      inTurnAwaited,
    ),
    tableOf('one key, in one turn: a call', await measure(syncSides(one, caches), options)),
    tableOf(
      'one key, in one turn: an awaited call',
      await measure(awaitedSides(one, caches), options),
    ),
    tableOf(`${ENTRIES} keys, read as people do (Zipf), one call in a millisecond`, sparse),
  ];
  const verdicts = [
    verdictOn(PEEK, HONEST, inTurn),
    verdictOn(PEEK, LRU, sparse),
    verdictOn(AWAIT_GET, AWAIT_PEEK, inTurnAwaited),
    verdictOn(AWAIT_GET, AWAIT_LRU, inTurnAwaited),
  ];
  return { question: QUESTION, versions: versions(), tables, verdicts, notes: [NOTE] };
}

const LRU = 'lru-cache get, with a TTL';
const HONEST = 'lru-cache get, with a TTL, ttlResolution 0';
const PEEK = 'unstale peek';
const AWAIT_LRU = 'await lru-cache get, with a TTL';
const AWAIT_PEEK = 'await a function that peeks';
const AWAIT_GET = 'await unstale get';

function syncSides(keys: readonly string[], { lru, exact, unstale }: Caches): readonly Side[] {
  return [
    sync(LRU, keys, (key) => lru.get(key)),
    sync(HONEST, keys, (key) => exact.get(key)),
    sync(PEEK, keys, (key) => unstale.peek(key)),
  ];
}

function awaitedSides(keys: readonly string[], { lru, unstale }: Caches): readonly Side[] {
  return [
    awaited(AWAIT_LRU, keys, async (key) => lru.get(key)),
    awaited(AWAIT_PEEK, keys, async (key) => unstale.peek(key)),
    awaited(AWAIT_GET, keys, (key) => unstale.get(key)),
  ];
}

function verdictOn(name: string, against: string, figures: readonly Figure[]): Verdict {
  const ratioOf = (wanted: string): number =>
    figures.find((figure) => figure.name === wanted)?.ratio ?? Number.NaN;
  const measured = ratioOf(name) / ratioOf(against);
  return { promise: `${name} / ${against}`, measured, limit: LIMIT, holds: measured <= LIMIT };
}

function versions(): Readonly<Record<string, string>> {
  return { 'lru-cache': versionOf('lru-cache'), unstale: versionOf('..') };
}

function versionOf(name: string): string {
  const path = name === '..' ? '../package.json' : `../node_modules/${name}/package.json`;
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL(path, import.meta.url), 'utf8'),
  );
  return version;
}
