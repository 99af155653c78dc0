import { expect } from 'chai';
import fc from 'fast-check';
import type { Store } from '../../../../src/cache/store.ts';
import type { Version } from './history.ts';
import { World, type Door } from './world.ts';

const KEYS = ['a:1', 'a:2', 'b:1', 'b:2'];
const TELLS = [
  'key',
  'local',
  'tag',
  'tag of versions',
  'prefix',
  'region',
  'everything',
  'person',
  'fence',
];

/** Something that happens, with a name for the counterexample. */
interface Act {
  readonly name: string;
  readonly run: (world: World) => unknown;
}

interface Choice {
  /** Ways in which changes become known. */
  readonly tells?: readonly string[];
  readonly reads?: readonly ('get' | 'getMany' | 'getEntry' | 'peek')[];
  readonly writes?: boolean;
}

const key = fc.constantFrom(...KEYS);
const some = fc.uniqueArray(key, { minLength: 1, maxLength: 3 });
const index = fc.nat({ max: 9 });

/** What may happen, in an order that fast-check chooses and shrinks. */
function acts(choice: Choice): fc.Arbitrary<readonly Act[]> {
  const { tells = TELLS, reads = ['get', 'getMany', 'getEntry', 'peek'], writes = true } = choice;
  const passing = fc
    .constantFrom(1, 10, 500, 1_100, 3_500)
    .map((ms): Act => ({ name: `pass ${ms}`, run: (world) => world.pass(ms) }));
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: reading(reads) },
      { weight: 6, arbitrary: settling() },
      { weight: 3, arbitrary: passing },
      ...(tells.length === 0 ? [] : [{ weight: 4, arbitrary: telling(tells) }]),
      ...(writes ? [{ weight: 4, arbitrary: writing() }] : []),
    ),
    { maxLength: 60, size: 'max' },
  );
}

function reading(reads: NonNullable<Choice['reads']>): fc.Arbitrary<Act> {
  return fc.record({ how: fc.constantFrom(...reads), keys: some }).map(({ how, keys }): Act => ({
    name: `${how} ${keys.join()}`,
    run: (world) => {
      world.read(how, keys);
    },
  }));
}

function settling(): fc.Arbitrary<Act> {
  return fc.record({ index, fails: fc.boolean() }).map((one): Act => {
    const fails = one.fails && one.index === 9;
    return {
      name: `${fails ? 'fail' : 'answer'} ${one.index}`,
      run: (world) => {
        world.settle(one.index, fails);
      },
    };
  });
}

function telling(tells: readonly string[]): fc.Arbitrary<Act> {
  return fc.record({ door: fc.constantFrom(...tells), key }).map((one): Act => ({
    name: `change ${one.key}, told by ${one.door}`,
    run: async (world) => {
      // Not every version has that tag, so that it does not tell of every change.
      world.commit(one.key, { told: one.door !== 'tag of versions' });
      await world.tell(one.door, one.key);
    },
  }));
}

function writing(): fc.Arbitrary<Act> {
  const beginning = fc.record({ key, known: fc.boolean() }).map((one): Act => ({
    name: `begin to write ${one.known ? '' : 'perhaps '}${one.key}`,
    run: (world) => {
      world.beginWrite(one.key, one.known);
    },
  }));
  const ending = index.map((one): Act => ({
    name: `end write ${one}`,
    run: (world) => world.endWrite(one),
  }));
  return fc.oneof(beginning, ending);
}

/** What the model has found in one run. */
async function violationsOf(
  list: readonly Act[],
  options: { readonly door?: Door; readonly secondLevel?: boolean },
): Promise<readonly string[]> {
  const world = await World.make(options);
  for (const act of list) {
    await act.run(world);
    await world.pass(0);
  }
  await world.end();
  return world.history.violations;
}

/** As a cache does whose tags, prefixes and flushes are lists of the keys that it has now: a load under way has none. */
function dropsOnlyWhatIsCached(store: Store<Version>, kinds: ReadonlySet<string>): void {
  const cached = (): readonly string[] => [...store.keys()];
  const dropKeys = store.drop.bind(store);
  store.drop = ({ keys, tags, prefixes }, cause) => {
    const have = cached();
    const tagged = have.filter((one) =>
      store.lastKnown(one)?.entry.tags.some((tag) => tags.includes(tag)),
    );
    const prefixed = have.filter((one) => prefixes.some((prefix) => one.startsWith(prefix)));
    dropKeys(
      {
        keys: [
          ...(kinds.has('key') ? keys.filter((one) => have.includes(one)) : keys),
          ...(kinds.has('tag') ? tagged : []),
          ...(kinds.has('prefix') ? prefixed : []),
        ],
        tags: kinds.has('tag') ? [] : tags,
        prefixes: kinds.has('prefix') ? [] : prefixes,
      },
      cause,
    );
  };
  if (!kinds.has('flush')) return;
  store.flush = (cause) => {
    dropKeys({ keys: cached(), tags: [], prefixes: [] }, cause);
  };
}

const noTicket: Door = (store) => {
  store.isValid = () => true;
};

/** Doors that the caches we looked at leave open, and what has to happen for an old value to come through. */
const DOORS: Readonly<
  Record<string, { readonly open: Door; readonly choice: Choice; secondLevel?: true }>
> = {
  'a single load': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['key']));
    },
    choice: { tells: ['key'], reads: ['get', 'peek'], writes: false },
  },
  'a load of many': {
    open: noTicket,
    choice: { tells: ['key'], reads: ['getMany', 'peek'], writes: false },
  },
  'a load that is joined': {
    open: (store) => {
      store.isJoinable = () => true;
    },
    choice: { tells: ['key'], reads: ['get'], writes: false },
  },
  'a refresh ahead of expiry': {
    open: (store) => {
      // Only tickets that were issued while the key was cached, which are those of refreshes.
      const refreshes = new Set<string>();
      const [issue, isValid] = [store.issue.bind(store), store.isValid.bind(store)];
      store.issue = (one) => {
        const ticket = issue(one);
        if (store.serveable(one) !== undefined) refreshes.add(`${one} ${ticket.loadStartMs}`);
        return ticket;
      };
      store.isValid = (ticket, tags) =>
        refreshes.has(`${ticket.key} ${ticket.loadStartMs}`) || isValid(ticket, tags);
    },
    choice: { tells: ['key'], reads: ['get', 'peek'], writes: false },
  },
  'a tag': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['tag']));
    },
    choice: { tells: ['tag', 'tag of versions'], writes: false },
  },
  'a prefix': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['prefix']));
    },
    choice: { tells: ['prefix'], writes: false },
  },
  'the region': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['flush']));
    },
    choice: { tells: ['region'], writes: false },
  },
  everything: {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['flush']));
    },
    choice: { tells: ['everything'], writes: false },
  },
  'a fence': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['flush']));
    },
    choice: { tells: ['fence'], writes: false },
  },
  'a message of a person': {
    open: (store) => {
      dropsOnlyWhatIsCached(store, new Set(['key']));
    },
    choice: { tells: ['person'], writes: false },
  },
  'a guarded write': {
    open: (store) => {
      store.quarantine = () => undefined;
    },
    choice: { tells: [] },
  },
  'a guarded write whose keys are not known': {
    open: (store) => {
      store.hold = () => undefined;
    },
    choice: { tells: [] },
  },
  'the value that is served when a load fails': {
    open: (store) => {
      store.expired = (one) => store.lastKnown(one)?.entry;
    },
    choice: { tells: ['key'], reads: ['get'], writes: false },
  },
  'a second level': {
    open: (store) => {
      store.droppedSince = () => false;
    },
    choice: { tells: ['key'], writes: false },
    secondLevel: true,
  },
};

describe('a cache against a naive model', function () {
  this.timeout(120_000);

  for (const secondLevel of [false, true]) {
    it(`never brings an old value, ${secondLevel ? 'with' : 'without'} a second level, whatever the order of loads, invalidations, writes and time`, async () => {
      await fc.assert(
        fc.asyncProperty(acts({}), async (list) => {
          expect(await violationsOf(list, { secondLevel })).to.deep.equal([]);
        }),
        { numRuns: 250 },
      );
    });
  }

  for (const [door, { open, choice, secondLevel = false }] of Object.entries(DOORS)) {
    it(`brings an old value through ${door}, when that door is opened on purpose`, async () => {
      const found = await fc.check(
        fc.asyncProperty(acts(choice), async (list) => {
          expect(await violationsOf(list, { door: open, secondLevel })).to.deep.equal([]);
        }),
        { numRuns: 2_000, endOnFailure: true },
      );
      expect(found.failed, 'the model has seen it').to.equal(true);
    });

    it(`brings none through ${door} when it is shut`, async () => {
      await fc.assert(
        fc.asyncProperty(acts(choice), async (list) => {
          expect(await violationsOf(list, { secondLevel })).to.deep.equal([]);
        }),
        { numRuns: 30 },
      );
    });
  }
});
