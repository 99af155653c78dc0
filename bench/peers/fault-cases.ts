import { setTimeout as pause } from 'node:timers/promises';
import type { FaultNode } from './fault-node.ts';
import type { FaultPair } from './fault-pair.ts';
import type { Truth } from './truth.ts';

/** How long the far node is cut off, in ms. */
export const CUT_MS = 2_000;
/** How long everybody has afterwards, in ms: above the longest pause between two attempts to connect of anybody here. */
export const HEALED_MS = 8_000;
export const CUT_KEYS = 100;
export const LOADS = 20;

const MARKER = 'marker:1';
const HEARD_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 5;

/** The far node has 100 entries, is cut off for 2 s while they change, and healed: how many does it serve old? */
export async function missedWhileCutOff(pair: FaultPair, truth: Truth): Promise<number> {
  const { near, far, line } = pair;
  const keys = Array.from({ length: CUT_KEYS }, (_, number) => `cut:${number}`);
  for (const key of keys) await far.get(key);
  line.sever();
  const ending = pause(CUT_MS);
  await Promise.all(
    keys.map(async (key) => {
      truth.change(key);
      await near.invalidate(key);
    }),
  );
  await ending;
  line.heal();
  await pause(HEALED_MS);
  return await oldOf(far, keys, truth);
}

/**
 * Loads of the far node that have read the old value are under way while it is invalidated, and answer when the far
 * node has heard so: how many keys does it serve old to those who ask later?
 */
export async function loadsInFlight(pair: FaultPair, truth: Truth): Promise<number> {
  const { near, far } = pair;
  const keys = Array.from({ length: LOADS }, (_, number) => `flight:${number}`);
  await far.get(MARKER);
  truth.holdUp(keys);
  const reads = keys.map((key) => far.get(key));
  await until(() => Promise.resolve(truth.waiting >= LOADS));
  for (const key of [...keys, MARKER]) {
    truth.change(key);
    await near.invalidate(key);
  }
  // What comes after the others has been heard: so have they.
  await until(async () => (await far.get(MARKER))?.id === truth.version(MARKER));
  truth.letGo();
  await Promise.all(reads);
  return await oldOf(far, keys, truth);
}

async function oldOf(node: FaultNode, keys: readonly string[], truth: Truth): Promise<number> {
  let old = 0;
  for (const key of keys) {
    if ((await node.get(key))?.id !== truth.version(key)) old += 1;
  }
  return old;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + HEARD_WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      throw new Error(`nothing was heard within ${HEARD_WITHIN_MS} ms`);
    }
    await pause(LOOK_EVERY_MS);
  }
}
