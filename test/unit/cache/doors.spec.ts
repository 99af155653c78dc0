import { expect } from 'chai';
import { memoryBus, memoryNetwork, type MemoryNetwork } from '../../../adapters/memory/index.ts';
import { encode } from '../../../src/protocol/codec.ts';
import type { Cluster, CoherentCache } from '../../../src/index.ts';
import { Nodes, type Lone } from './lone-node.ts';
import { Source } from './source.ts';
import { turn } from './virtual-runtime.ts';

const KEY = 'article:1';
const TTL_MS = 2_000;

interface Scene {
  readonly reader: Lone;
  readonly cache: CoherentCache<string>;
  readonly source: Source;
  readonly writer: CoherentCache<string>;
  readonly writers: Cluster;
  readonly network: MemoryNetwork;
}

/** Ways in which a change of the key becomes known to the reader. */
const DROPS: Readonly<Record<string, (scene: Scene) => unknown>> = {
  'its key': ({ writer }) => writer.invalidate(KEY),
  'many keys': ({ writer }) => writer.invalidate(['x', KEY, 'y']),
  'a tag, known only from the value': ({ writer }) => writer.invalidate({ tags: `tag:${KEY}` }),
  'a prefix': ({ writer }) => writer.invalidate({ prefixes: 'article:' }),
  'the region': ({ writer }) => writer.flush(),
  everything: ({ writers }) => writers.invalidate({ all: true }),
  'its key in every region': ({ writers }) => writers.invalidate({ keys: KEY }),
  'a person who types its id': ({ network }) => network.sendForeign('test', KEY),
  'a person who types a region': ({ network }) => network.sendForeign('test', 'articles/*'),
  'a guarded write': ({ writer }) => writer.write(KEY, () => 1),
  'a guarded write that fails': ({ writer }) =>
    writer.write(KEY, () => Promise.reject(new Error('who knows'))).catch(() => undefined),
  'a guarded write whose keys are known afterwards': ({ writer }) =>
    writer.write(
      (key: string) => key,
      () => KEY,
    ),
  'the same node': ({ cache }) => cache.invalidate(KEY),
  'a guarded write of the same node': ({ cache }) => cache.write(KEY, () => 1),
  'a change feed': ({ cache }) => {
    cache.invalidateLocal({ prefixes: 'article:' });
  },
  'what was lost beyond repair': ({ network }) => {
    const frame = encode('test', {
      type: 'inv',
      origin: 'stranger/0123456789abc',
      seq: 1_000_000,
      selection: {},
      ackWanted: false,
    });
    return publish(network, frame);
  },
};

/** How the load that is under way began. */
const LOADS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'a single load': async ({ cache, source }) => {
    const read = cache.get(KEY);
    await turn();
    expect(source.asked).to.have.length(1);
    return { read };
  },
  'a load of many': async ({ cache, source }) => {
    const read = cache.getMany(['x', KEY]).then((found) => found.get(KEY));
    await turn();
    expect(source.asked).to.have.length(1);
    return { read };
  },
  'a refresh ahead of expiry': async ({ cache, source, reader }) => {
    await cache.get(KEY, { load: source.now });
    await reader.runtime.pass(TTL_MS - 100);
    const read = cache.get(KEY);
    await turn();
    expect(source.asked, 'it was refreshed').to.have.length(1);
    return { read };
  },
};

function deaf(): void {}

async function publish(network: MemoryNetwork, frame: string): Promise<void> {
  const bus = memoryBus({ channel: 'test', network });
  await bus.open({ onFrame: deaf, onForeign: deaf, onContinuity: deaf });
  await bus.publish(frame);
  await bus.close();
}

describe('the fence around a load under way', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  async function scene(): Promise<Scene> {
    const network = memoryNetwork();
    const [reader, other] = await nodes.several(2, {}, network);
    if (reader === undefined || other === undefined) throw new Error('two nodes are wanted');
    const source = new Source();
    const options = {
      maxEntries: 10,
      ttlMs: TTL_MS,
      refreshAheadMs: 500,
      load: source.load,
      loadMany: source.loadMany,
      tags: (key: string) => [`tag:${key}`],
    };
    const cache = reader.cluster.cache('articles', options);
    const writer = other.cluster.cache('articles', options);
    return { reader, cache, source, writer, writers: other.cluster, network };
  }

  for (const [load, begin] of Object.entries(LOADS)) {
    for (const [drop, tell] of Object.entries(DROPS)) {
      it(`keeps what ${load} brings out after ${drop}`, async () => {
        const here = await scene();
        const { cache, source } = here;
        const { read } = (await begin(here)) as { read: Promise<string> };
        source.commit(KEY);
        await tell(here);
        await turn();
        expect(cache.has(KEY), 'the old value is gone at once').to.equal(false);

        const during = cache.get(KEY);
        await turn();
        expect(source.asked, 'the old load is not joined').to.have.length(2);
        source.asked[0]?.answer();
        expect(await read, 'who was waiting is answered').to.equal(`${KEY}@1`);
        await turn();
        expect(cache.has(KEY), 'the old value is not stored').to.equal(false);
        source.asked[1]?.answer();
        expect(await during).to.equal(`${KEY}@2`);
        expect(cache.peek(KEY)).to.equal(`${KEY}@2`);
        expect(cache.stats().voidedLoads).to.be.at.least(1);
      });

      it(`lets ${load} that ends late not replace what was loaded after ${drop}`, async () => {
        const here = await scene();
        const { cache, source } = here;
        const { read } = (await begin(here)) as { read: Promise<string> };
        source.commit(KEY);
        await tell(here);
        await turn();
        const during = cache.get(KEY);
        await turn();
        source.asked[1]?.answer();
        await during;
        source.asked[0]?.answer();
        await read;
        await turn();
        expect(cache.peek(KEY)).to.equal(`${KEY}@2`);
      });
    }
  }

  it('stands open where tickets are switched off: the test would see it', async () => {
    const { cluster } = await nodes.lone({ unprotected: { tickets: false } });
    const source = new Source();
    const cache = cluster.cache('articles', { maxEntries: 10, load: source.load });
    const read = cache.get(KEY);
    source.commit(KEY);
    await cache.invalidate(KEY);
    source.last.answer();
    await read;
    expect(cache.peek(KEY)).to.equal(`${KEY}@1`);
  });

  it('does not concern keys, tags and prefixes that were not named', async () => {
    const { cache, writer, source } = await scene();
    const read = cache.get(KEY);
    await writer.invalidate({ keys: 'article:2', prefixes: ['article:10', 'b'] });
    await writer.invalidate({ tags: 'tag:article:2' });
    source.last.answer();
    await read;
    expect(cache.peek(KEY)).to.equal(`${KEY}@1`);
  });
});
