import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { InvalidationResult } from '../../src/index.ts';
import { Scene } from './scene.ts';
import type { Site } from './site.ts';

/** `down`: connections are reset and nobody gets in. `hung`: nothing passes, and nobody is told. */
export interface Outage {
  readonly how: 'down' | 'hung';
  readonly lastsMs: number;
}

/** What came of one outage. */
export interface OutageReport {
  readonly keys: number;
  /** Keys that the other node still served old, long after the end. */
  readonly stale: number;
  /** What the invalidations resolved with, and how often. */
  readonly settledBy: Readonly<Record<string, number>>;
  /** Invalidations that were made while the bus was known to be away, and did not settle in the same turn. */
  readonly waited: number;
  /** Keys that the invalidating node itself served old in the turn of the call. */
  readonly servedHere: number;
  /** Batches that were never accepted by the broker. */
  readonly unsent: number;
  /** From the end of the outage until nothing old was served any more. */
  readonly healedMs: number;
}

const KEYS = 20;
/** Above every outage and its healing, so that no value grows too old meanwhile: only an invalidation drops it. */
const MAX_STALENESS_MS = 120_000;
/** After so long a key that is old counts as stale for good, in ms. */
const HEALED_WITHIN_MS = 30_000;
/** How long the reset of a connection may take to be noticed, in ms. */
const NOTICED_WITHIN_MS = 10_000;

/** The bus is away for two nodes, and one of them goes on invalidating what the other has cached. */
export async function runOutage(site: Site, outage: Outage): Promise<OutageReport> {
  await using scene = new Scene(site, { maxStalenessMs: MAX_STALENESS_MS });
  const [a, b] = await scene.joined('a', 'b');
  const keys = Array.from({ length: KEYS }, (_, number) => `thing:${number}`);
  await a.caches(keys);
  await b.caches(keys);
  const heardBefore = a.continuity.length;
  const isKnownAway = (): boolean => a.continuity.length > heardBefore;
  const settling: Promise<InvalidationResult>[] = [];
  let waited = 0;
  let servedHere = 0;
  const change = async (key: string): Promise<void> => {
    const knownAway = isKnownAway() && a.cluster.status().bus === 'away';
    const call = a.changes(key);
    servedHere += a.old([key]).length;
    settling.push(call);
    if (knownAway && (await Promise.race([call, nextTurn(undefined)])) === undefined) waited += 1;
  };

  for (const { line } of [a, b]) {
    if (outage.how === 'down') line.sever();
    else line.swallow();
  }
  const ending = pause(outage.lastsMs);
  const [first = '', ...rest] = keys;
  const last = rest.pop() ?? '';
  await change(first);
  if (outage.how === 'down') await a.hears('interrupted', heardBefore, NOTICED_WITHIN_MS);
  for (const key of rest) {
    await change(key);
    // Spread over the outage, at other moments in every run.
    await pause((outage.lastsMs / KEYS) * Math.random());
  }
  await ending;
  for (const { line } of [a, b]) line.heal();
  const healedAt = performance.now();
  await change(last);

  const results = await Promise.all(settling);
  // A key that stays old is counted, not thrown.
  const isSound = (): boolean => b.old(keys).length === 0 && a.cluster.status().unsent === 0;
  const sound = await b.until('serves no old key', isSound, HEALED_WITHIN_MS).then(
    () => true,
    () => false,
  );
  const healedMs = sound ? performance.now() - healedAt : Infinity;
  const settledBy: Record<string, number> = {};
  for (const { by } of results) settledBy[by] = (settledBy[by] ?? 0) + 1;
  const { unsent } = a.cluster.status();
  return { keys: KEYS, stale: b.old(keys).length, settledBy, waited, servedHere, unsent, healedMs };
}
