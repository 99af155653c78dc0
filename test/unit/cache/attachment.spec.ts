import { createCache } from 'cache-manager';
import { expect } from 'chai';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { memoryNetwork } from '../../../adapters/memory/index.ts';
import type { ForeignCache } from '../../../src/index.ts';
import { Gate } from './gate.ts';
import { failureOf, Nodes, passAll } from './lone-node.ts';
import { turn } from './virtual-runtime.ts';

interface Make {
  readonly target: ForeignCache;
  readonly set: (key: string, value: string) => unknown;
  readonly get: (key: string) => unknown;
}

/** Caches as people have them. */
const MAKES: Readonly<Record<string, () => Make>> = {
  Map: () => {
    const target = new Map<string, string>();
    return { target, set: (key, value) => target.set(key, value), get: (key) => target.get(key) };
  },
  'lru-cache': () => {
    const target = new LRUCache<string, string>({ max: 100 });
    return { target, set: (key, value) => target.set(key, value), get: (key) => target.get(key) };
  },
  Keyv: () => {
    const target = new Keyv<string>();
    return { target, set: (key, value) => target.set(key, value), get: (key) => target.get(key) };
  },
  'cache-manager': () => {
    const target = createCache();
    return { target, set: (key, value) => target.set(key, value), get: (key) => target.get(key) };
  },
};

const KEYS = ['a:1', 'a:2', 'b:1'];

describe('an attached cache', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function scene(make: () => Make) {
    const network = memoryNetwork();
    const [here, there] = await nodes.several(2, {}, network);
    if (here === undefined || there === undefined) throw new Error('two nodes are wanted');
    const made = make();
    const attachment = here.cluster.attach('r', made.target);
    const writer = there.cluster.cache('r', { maxEntries: 10, load: (key) => key });
    for (const key of KEYS) await made.set(key, 'old');
    const left = async (): Promise<readonly string[]> => {
      await turn();
      const found = await Promise.all(KEYS.map(made.get));
      return KEYS.filter((_, index) => found[index] === 'old');
    };
    return { ...made, attachment, writer, left, network, there };
  }

  for (const [name, make] of Object.entries(MAKES)) {
    describe(`of the make ${name}`, () => {
      const lists = name === 'Map' || name === 'lru-cache';

      it('drops the keys that change elsewhere', async () => {
        const { writer, left } = await scene(make);
        await writer.invalidate(['a:1', 'b:1']);
        expect(await left()).to.deep.equal(['a:2']);
        await writer.write('a:2', () => 1);
        expect(await left()).to.deep.equal([]);
      });

      it(`drops a prefix ${lists ? 'by itself' : 'with everything, for it cannot list its keys'}`, async () => {
        const { writer, left } = await scene(make);
        await writer.invalidate({ prefixes: 'a:' });
        expect(await left()).to.deep.equal(lists ? ['b:1'] : []);
      });

      it('clears itself for a tag, a region and everything', async () => {
        const { writer, left, set, there, network } = await scene(make);
        const refill = async (): Promise<void> => {
          for (const key of KEYS) await set(key, 'old');
          expect(await left()).to.deep.equal(KEYS);
        };
        await writer.invalidate({ tags: 't' });
        expect(await left()).to.deep.equal([]);
        await refill();
        await writer.flush();
        expect(await left()).to.deep.equal([]);
        await refill();
        await there.cluster.invalidate({ all: true });
        expect(await left()).to.deep.equal([]);
        await refill();
        network.sendForeign('test', 'r/*');
        expect(await left()).to.deep.equal([]);
      });

      it('keeps what was loaded before a change out, with a ticket', async () => {
        const { attachment, writer, set, get } = await scene(make);
        const load = async (change: () => unknown): Promise<boolean> => {
          const ticket = attachment.ticket('a:1');
          await change();
          await turn();
          return await ticket.keep(() => set('a:1', 'old'));
        };
        for (const change of [
          () => writer.invalidate('a:1'),
          () => writer.invalidate({ prefixes: 'a' }),
          () => writer.invalidate({ tags: 'any' }),
          () => writer.flush(),
          () => writer.write('a:1', () => 1),
          () => attachment.write('a:1', () => 1),
        ]) {
          expect(await load(change)).to.equal(false);
          expect(await get('a:1')).to.not.equal('old');
        }
        expect(await load(() => writer.invalidate('a:2'))).to.equal(true);
        expect(await get('a:1')).to.equal('old');
      });

      it('does not keep what is dropped while it is put there', async () => {
        const { attachment, writer, set, get } = await scene(make);
        const ticket = attachment.ticket('a:1');
        const gate = new Gate();
        const kept = ticket.keep(async () => {
          await gate.promise;
          await set('a:1', 'old');
        });
        await writer.invalidate('a:1');
        await turn();
        gate.open();
        expect(await kept).to.equal(false);
        await turn();
        expect(await get('a:1')).to.not.equal('old');
      });
    });
  }

  it('publishes as a cache of ours does', async () => {
    const [here, there] = await nodes.several(2);
    const target = new Map<string, string>();
    const attachment = here?.cluster.attach('r', target);
    const cache = there?.cluster.cache('r', { maxEntries: 10, load: (key) => key });
    for (const work of [
      () => attachment?.invalidate('a'),
      () => attachment?.invalidate({ prefixes: 'a' }),
      () => attachment?.flush(),
      () => attachment?.write('a', () => 1),
      () =>
        attachment?.write(
          (key: string) => key,
          () => 'a',
        ),
    ]) {
      await cache?.get('a');
      target.set('a', 'old');
      await work();
      await turn();
      expect([target.has('a'), cache?.has('a')]).to.deep.equal([false, false]);
    }
    await cache?.get('a');
    target.set('a', 'old');
    attachment?.invalidateLocal('a');
    expect([target.has('a'), cache?.has('a')]).to.deep.equal([false, true]);
  });

  it('gives a ticket for a key under a guarded write that is void from the beginning', async () => {
    const { cluster } = await nodes.lone();
    const attachment = cluster.attach('r', new Map());
    const gate = new Gate();
    const written = attachment.write('a', () => gate.promise);
    const ticket = attachment.ticket('a');
    expect([ticket.valid, attachment.ticket('b').valid]).to.deep.equal([false, true]);
    gate.open();
    await written;
    expect([ticket.valid, attachment.ticket('a').valid]).to.deep.equal([false, true]);
  });

  it('is told to clear itself when it fails to drop something, and the failure is counted', async () => {
    const both = await nodes.several(2);
    const calls: string[] = [];
    const failing = (how: () => unknown): ForeignCache => ({
      delete: (key) => {
        calls.push(`delete ${key}`);
        return how();
      },
      clear: () => calls.push('clear'),
    });
    const [first, second] = [
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
    ].map((how) => both[0]?.cluster.attach('r', failing(how)));
    await both[1]?.cluster.invalidate({ region: 'r', keys: 'a' });
    await passAll(both, 50);
    expect(calls.toSorted()).to.deep.equal(['clear', 'clear', 'delete a', 'delete a']);
    expect([first?.failures, second?.failures]).to.deep.equal([1, 1]);
  });

  it('needs `delete` or `del`, and `clear`; and a ticket needs a key', async () => {
    const { cluster } = await nodes.lone();
    for (const target of [
      {},
      { delete: deaf },
      { clear: deaf },
      { delete: 1, clear: 1 },
      null,
      7,
    ]) {
      // @ts-expect-error: what a program without types may pass.
      expect(() => cluster.attach('r', target)).to.throw(TypeError, /needs the methods/);
    }
    const attachment = cluster.attach('r', new Map());
    expect(() => attachment.ticket('')).to.throw(TypeError, /must not be empty/);
    expect(await failureOf(attachment.invalidate(''))).to.be.instanceOf(TypeError);
  });
});

function deaf(): void {}
