import { expect } from 'chai';
import type { InvalidationResult } from '../../../src/index.ts';
import { Gate } from './gate.ts';
import { BOUND_MS, failureOf, Nodes, passAll } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

const seven: unknown = () => 7;

function throws(): string {
  throw new Error('no idea');
}

describe('a guarded write', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function pair() {
    const both = await nodes.several(2, { forgetAfterMs: 3_600_000 });
    const source = new Source();
    const caches = both.map(({ cluster }) =>
      cluster.cache('r', { maxEntries: 10, load: source.now }),
    );
    const [mine, theirs] = caches;
    if (mine === undefined || theirs === undefined) throw new Error('two nodes are wanted');
    for (const cache of caches) await cache.getMany(['a', 'b']);
    return { both, source, mine, theirs, pass: (ms: number) => passAll(both, ms) };
  }

  it('returns what the write returns, and drops the keys on every node', async () => {
    const { source, mine, theirs } = await pair();
    const result = await mine.write('a', async () => {
      await turn();
      source.commit('a');
      return 'done';
    });
    expect(result).to.equal('done');
    await turn();
    expect([mine.has('a'), theirs.has('a'), theirs.has('b')]).to.deep.equal([false, false, true]);
    expect(await theirs.get('a')).to.equal('a@2');
  });

  it('neither serves nor stores the key on the writing node until it ends', async () => {
    const { source, mine } = await pair();
    const gate = new Gate();
    const written = mine.write('a', () => gate.promise);
    expect(mine.has('a')).to.equal(false);
    await mine.get('a');
    expect(mine.has('a')).to.equal(false);
    source.commit('a');
    gate.open();
    await written;
    expect(mine.has('a')).to.equal(false);
    expect(await mine.get('a')).to.equal('a@2');
    expect(mine.has('a')).to.equal(true);
  });

  it('holds a key until the last of several writes of it ends', async () => {
    const { mine } = await pair();
    const [first, second] = [new Gate(), new Gate()];
    const writes = [
      mine.write('a', () => first.promise),
      mine.write(['a', 'b'], () => second.promise),
    ];
    first.open();
    await writes[0];
    await mine.getMany(['a', 'b']);
    expect([mine.has('a'), mine.has('b')]).to.deep.equal([false, false]);
    second.open();
    await writes[1];
    await mine.getMany(['a', 'b']);
    expect([mine.has('a'), mine.has('b')]).to.deep.equal([true, true]);
  });

  it('asks the source once at a time for a key under a write, and gives each reader what was loaded after he came', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const gate = new Gate();
    const written = cache.write('a', () => gate.promise);
    const early = cache.get('a');
    source.commit('a');
    const late = Array.from({ length: 50 }, () => cache.get('a'));
    await turn();
    expect(source.asked).to.have.length(1);
    source.last.answer();
    expect(await early).to.equal('a@1');
    await turn();
    expect(source.asked).to.have.length(2);
    source.last.answer();
    expect(new Set(await Promise.all(late))).to.deep.equal(new Set(['a@2']));
    gate.open();
    await written;
    expect(cache.stats()).to.include({ loads: 2, loading: 0, entries: 0 });
  });

  it('lets a reader who comes after the write not wait for a load that began before its end', async () => {
    const { cluster } = await nodes.lone();
    const source = new Source();
    const cache = cluster.cache('r', { maxEntries: 10, load: source.load });
    const gate = new Gate();
    const written = cache.write('a', () => gate.promise);
    const early = cache.get('a');
    const queued = cache.get('a');
    gate.open();
    await written;
    const after = cache.get('a');
    expect(source.asked).to.have.length(2);
    source.last.answer();
    expect(await after).to.equal('a@1');
    expect(cache.has('a')).to.equal(true);
    source.asked[0]?.answer();
    await early;
    await turn();
    source.last.answer();
    await queued;
    expect(cache.stats().loading).to.equal(0);
  });

  it('lets the write read, within it, what it has committed', async () => {
    const { source, mine } = await pair();
    const other = mine.get('a', { load: () => new Promise(() => undefined) }).catch(() => '');
    const read = await mine.write('b', async () => {
      source.commit('b');
      return await mine.get('b');
    });
    expect(read).to.equal('b@2');
    void other;
  });

  it('takes from the result which keys have changed, where they are known only then', async () => {
    const { source, mine, theirs } = await pair();
    await mine.write(
      (changed: readonly string[]) => changed,
      () => {
        source.commit('b');
        return ['b'];
      },
    );
    await turn();
    expect([mine.has('a'), mine.has('b')]).to.deep.equal([true, false]);
    expect([theirs.has('a'), theirs.has('b')]).to.deep.equal([true, false]);
  });

  it('of keys not known yet keeps even its own node from serving beyond the bound what it may have changed', async () => {
    const { source, mine, pass } = await pair();
    const gate = new Gate();
    const written = mine.write(
      (key: string) => key,
      () => {
        source.commit('a');
        return gate.promise.then(() => 'a');
      },
    );
    await pass(BOUND_MS - 100);
    expect(mine.peek('a')).to.equal('a@1');
    await pass(100);
    expect(mine.peek('a'), 'the bound has passed since the commit').to.equal(undefined);
    expect(await mine.get('a')).to.equal('a@2');
    gate.open();
    await written;
    expect(await mine.get('a')).to.equal('a@2');
    await pass(2 * BOUND_MS);
    expect(mine.peek('a'), 'all is proven again').to.equal('a@2');
  });

  it('that lasts keeps the other nodes from serving beyond the bound what they had before it', async () => {
    const { source, mine, theirs, pass } = await pair();
    const gate = new Gate();
    const written = mine.write('a', () => {
      source.commit('a');
      return gate.promise;
    });
    await pass(2 * BOUND_MS);
    expect(theirs.peek('a')).to.equal(undefined);
    gate.open();
    await written;
    await pass(2 * BOUND_MS);
    await theirs.get('a');
    await pass(2 * BOUND_MS);
    expect(theirs.peek('a')).to.equal('a@2');
  });

  it('that fails is taken for one that may have changed something, unless its error proves the contrary', async () => {
    const { mine, theirs } = await pair();
    const conflict = new Error('conflict');
    const error = await failureOf(
      mine.write(
        'a',
        () => {
          throw conflict;
        },
        { unchangedIf: (thrown) => thrown === conflict },
      ),
    );
    expect(error).to.equal(conflict);
    await turn();
    expect(theirs.has('a')).to.equal(true);
    await failureOf(mine.write('a', () => Promise.reject(conflict)));
    await turn();
    expect([theirs.has('a'), theirs.has('b')]).to.deep.equal([false, true]);
    expect(await mine.get('a'), 'nothing holds it any more').to.equal('a@1');
    expect(mine.has('a')).to.equal(true);
  });

  it('whose keys never become known drops the whole region', async () => {
    const { mine, theirs } = await pair();
    expect(String(await failureOf(mine.write(throws, () => 1)))).to.equal('Error: no idea');
    await turn();
    expect([theirs.has('a'), theirs.has('b')]).to.deep.equal([false, false]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const bad = mine.write(seven as () => string, () => 1);
    expect(await failureOf(bad)).to.be.instanceOf(TypeError);
  });

  it('has released its number and its keys even if `unchangedIf` throws', async () => {
    const { both, mine, theirs } = await pair();
    const oops = new Error('oops');
    const error = await failureOf(
      mine.write('a', () => Promise.reject(new Error('down')), {
        unchangedIf: () => {
          throw oops;
        },
      }),
    );
    expect(error).to.equal(oops);
    await passAll(both, 2 * BOUND_MS);
    expect(theirs.has('a')).to.equal(false);
    await theirs.get('a');
    expect((await theirs.getEntry('a')).proven).to.equal(true);
  });

  it('tells what came of its invalidation, and waits as `invalidate` does', async () => {
    const { both, mine, theirs } = await pair();
    const told: InvalidationResult[] = [];
    const written = mine.write('a', () => 1, {
      ack: 'all',
      published: (result) => told.push(result),
    });
    await passAll(both, 200);
    expect(await written).to.equal(1);
    expect(told).to.deep.equal([{ by: 'acks', acked: [both[1]?.cluster.origin], missing: [] }]);
    expect(theirs.has('a')).to.equal(false);
  });

  it('gives a caller who gives up meanwhile the result, for it is done; and does nothing for one who has before', async () => {
    const { mine } = await pair();
    const abort = new AbortController();
    const written = mine.write(
      'a',
      () => {
        abort.abort(new Error('enough'));
        return 'done';
      },
      { ack: 'all', signal: abort.signal },
    );
    expect(await written).to.equal('done');
    let ran = false;
    const error = await failureOf(
      mine.write(
        'a',
        () => {
          ran = true;
        },
        { signal: abort.signal },
      ),
    );
    expect(String(error)).to.equal('Error: enough');
    expect(ran).to.equal(false);
  });

  it('does not begin with a bad key or a bad option', async () => {
    const { mine } = await pair();
    let ran = 0;
    const write = (): void => {
      ran += 1;
    };
    expect(await failureOf(mine.write('', write))).to.be.instanceOf(TypeError);
    // @ts-expect-error: what a program without types may pass.
    expect(await failureOf(mine.write('a', write, { ack: 'none' }))).to.be.instanceOf(TypeError);
    expect(ran).to.equal(0);
  });

  it('of many keys is one write, with `writeMany`', async () => {
    const { mine, theirs } = await pair();
    const result = await mine.writeMany(new Set(['a', 'b']), (keys) => keys.length);
    expect(result).to.equal(2);
    await turn();
    expect([theirs.has('a'), theirs.has('b')]).to.deep.equal([false, false]);
  });
});
