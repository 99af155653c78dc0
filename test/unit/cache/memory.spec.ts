import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { DropMemory } from '../../../src/cache/drop-memory.ts';
import { Shelf } from '../../../src/cache/shelf.ts';
import { Store } from '../../../src/cache/store.ts';

const ENTRIES = 100_000;
const TRUST = { proofMs: Number.POSITIVE_INFINITY, boundMs: 30_000 };

setFlagsFromString('--expose-gc');
// The collector, which has no other name that could be imported.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const collect = runInNewContext('gc') as () => void;

/** What is in use once nothing more can be collected, in bytes. */
function used(): number {
  for (let round = 0; round < 4; round += 1) collect();
  return process.memoryUsage().heapUsed;
}

function storeOf(maxEntries: number, maxSize?: number): Store<number> {
  const store = new Store<number>({
    maxEntries,
    maxSize,
    sizeOf: maxSize === undefined ? undefined : (value) => (value < 0 ? maxSize / 2 : 1),
    onUnproven: 'ttl',
    settleMs: 0,
    remembersDrops: false,
    keepInvalidated: false,
    localMs: () => 1_000,
    ticketsProtect: true,
  });
  store.follow(TRUST);
  return store;
}

/** Entries with a tag of their own, one that a hundred share, and one that many thousands share. */
function fill(store: Store<number>, from: number, to: number): void {
  for (let index = from; index < to; index += 1) {
    const tags = [`own:${index}`, `hundred:${Math.floor(index / 100)}`, `many:${index % 10}`];
    store.redeem(store.issue(`${index < to / 2 ? 'first' : 'second'}:${index}`), index, tags, 1e9);
  }
}

/** The memory that `make` adds, in bytes. */
function costOf<Made>(make: () => Made): { readonly made: Made; readonly bytes: number } {
  const before = used();
  const made = make();
  return { made, bytes: used() - before };
}

describe('the memory of a cache', function () {
  this.timeout(60_000);

  for (const [how, evict] of [
    ['by a prefix', (store: Store<number>) => drop(store, { prefixes: ['first'] })],
    [
      'by their tags',
      (store: Store<number>) =>
        drop(store, { tags: Array.from({ length: ENTRIES / 2 }, (_, index) => `own:${index}`) }),
    ],
    [
      'by their keys',
      (store: Store<number>) =>
        drop(store, { keys: Array.from({ length: ENTRIES / 2 }, (_, index) => `first:${index}`) }),
    ],
  ] as const) {
    it(`is, when half of ${ENTRIES} entries with 3 tags each were dropped ${how}, what it is without ever having had them`, () => {
      const never = costOf(() => {
        const store = storeOf(ENTRIES);
        fill(store, ENTRIES / 2, ENTRIES);
        return store;
      });
      const had = costOf(() => {
        const store = storeOf(ENTRIES);
        fill(store, 0, ENTRIES);
        evict(store);
        return store;
      });
      expect(had.made.size).to.equal(never.made.size);
      expect(had.made.tagCount).to.equal(never.made.tagCount);
      expect(had.bytes / never.bytes).to.be.below(1.1);
    });
  }

  it('is, when half of them made room for something large, what it is without ever having had them', () => {
    const never = costOf(() => {
      const store = storeOf(ENTRIES, ENTRIES);
      fill(store, ENTRIES / 2, ENTRIES);
      return large(store);
    });
    const had = costOf(() => {
      const store = storeOf(ENTRIES, ENTRIES);
      fill(store, 0, ENTRIES);
      return large(store);
    });
    expect(had.made.dropped.capacity).to.equal(ENTRIES / 2);
    expect(had.made.size).to.equal(never.made.size);
    expect(had.made.tagCount).to.equal(never.made.tagCount);
    expect(had.bytes / never.bytes).to.be.below(1.1);
  });

  it('does not grow while entries come and go', () => {
    const store = storeOf(10_000);
    const round = (): number => {
      for (let index = 0; index < 50_000; index += 1) {
        store.redeem(store.issue(`${index}`), index, [`own:${index}`, `t:${index % 7}`], 1e9);
        if (index % 3 === 0) drop(store, { keys: [`${index - 5_000}`] });
        if (index % 1_000 === 0) drop(store, { tags: ['t:3'] });
      }
      return used();
    };
    round();
    const first = round();
    for (let index = 0; index < 3; index += 1) round();
    expect(used() - first).to.be.below(1_000_000);
    expect(store.ticketCount).to.equal(0);
  });

  it('is nothing for tags of what is not there', () => {
    const shelf = new Shelf<number>({
      maxEntries: 3,
      maxSize: undefined,
      keepInvalidated: false,
      bornMs: 0,
    });
    const entry = { value: 1, loadStartMs: 0, expiresAtMs: 1 };
    shelf.put('a', { ...entry, tags: ['x', 'y'] }, undefined);
    shelf.put('a', { ...entry, tags: ['y', 'z'] }, undefined);
    expect(shelf.tagCount, 'replaced').to.equal(2);
    for (const key of ['b', 'c', 'd']) shelf.put(key, { ...entry, tags: [key] }, undefined);
    expect(shelf.tagCount, 'evicted').to.equal(3);
    shelf.drop({ keys: ['b'], tags: ['c'], prefixes: ['d'] }, 'local');
    expect([shelf.size, shelf.tagCount]).to.deep.equal([0, 0]);
    shelf.put('e', { ...entry, tags: ['e'] }, undefined);
    shelf.clear('local');
    expect(shelf.tagCount, 'cleared').to.equal(0);
  });

  it('of drops is bounded, however many there are while something loads', () => {
    const drops = new DropMemory();
    const before = used();
    for (let index = 0; index < 300_000; index += 1) {
      drops.add({ keys: [`key:${index}`], tags: [`tag:${index}`], prefixes: [] }, index);
    }
    expect(drops.size).to.be.at.most(65_536);
    expect(used() - before).to.be.below(20_000_000);
    expect(drops.lastOf('key:299999').count, 'the last one by name').to.equal(300_000);
    expect(drops.lastOf('never dropped').count, 'the forgotten ones as everything').to.be.within(
      1,
      300_000 - 16_384,
    );
  });

  it('of the drops of one call is bounded as well', () => {
    const drops = new DropMemory();
    const keys = Array.from({ length: 200_000 }, (_, index) => `key:${index}`);
    drops.add({ keys, tags: [], prefixes: [] }, 7);
    expect(drops.size).to.equal(0);
    expect(drops.lastOf('anything')).to.deep.equal({ count: 1, atMs: 7 });
  });

  it('of drops is given back when nothing loads any more', () => {
    const store = storeOf(10);
    const ticket = store.issue('a');
    for (let index = 0; index < 100; index += 1) drop(store, { keys: [`${index}`] });
    expect(store.rememberedDrops).to.equal(100);
    store.redeem(ticket, 1, [], 1);
    drop(store, { keys: ['b'] });
    expect(store.rememberedDrops).to.equal(0);
  });
});

function large(store: Store<number>): Store<number> {
  store.redeem(store.issue('large'), -1, [], 1e9);
  return store;
}

function drop(
  store: Store<number>,
  selection: Partial<Record<'keys' | 'tags' | 'prefixes', readonly string[]>>,
): void {
  store.drop({ keys: [], tags: [], prefixes: [], ...selection });
}
