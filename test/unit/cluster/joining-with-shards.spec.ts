import { expect } from 'chai';
import { memoryBus, memoryNetwork } from '../../../adapters/memory/index.ts';
import { BusError, joinCluster, type BusChoice, type InvalidationBus } from '../../../src/index.ts';
import { failureOf } from '../cache/lone-node.ts';
import { VirtualRuntime } from '../cache/virtual-runtime.ts';
import { ScriptedBus } from './scripted-bus.ts';

function buses(count: number): InvalidationBus[] {
  return Array.from({ length: count }, (_, index) => memoryBus({ channel: `joining-${index}` }));
}

describe('joining with shards', () => {
  const [one] = buses(1);
  const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
    ['neither bus nor shards', {}, /either bus or shards.*neither/],
    ['both', { bus: one, shards: buses(2) }, /either bus or shards.*both/],
    ['no list', { shards: one }, /a list of 1 to 64 buses/],
    ['an empty list', { shards: [] }, /a list of 1 to 64 buses/],
    ['65 buses', { shards: buses(65) }, /a list of 1 to 64 buses/],
    ['the same bus twice', { shards: [one, one] }, /different buses/],
    ['something that is no bus', { shards: [one, 'amqp://h'] }, /shards\[1\] must be a bus/],
    ['no bus', { bus: 7 }, /bus must be a bus/],
  ];
  for (const [what, given, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JavaScript may pass
      const error = await failureOf(joinCluster({ name: 'test', ...(given as BusChoice) }));
      expect(error).to.be.instanceOf(TypeError);
      expect(error).to.have.property('message').that.matches(message);
    });
  }

  it('takes 64', async () => {
    const cluster = await joinCluster({ name: 'test', shards: buses(64), lingerMs: 0 });
    expect(cluster.status().shards).to.have.lengthOf(64);
    await cluster.close();
  });

  it('closes the others, and says why, where one does not open', async () => {
    const network = memoryNetwork();
    network.refuse('BUS_ACCESS_DENIED', 'second');
    const shards = ['first', 'second', 'third'].map((name) =>
      memoryBus({ channel: name, network, name }),
    );
    const error = await failureOf(joinCluster({ name: 'test', shards }));
    expect(error).to.be.instanceOf(BusError).and.have.property('code', 'BUS_ACCESS_DENIED');
    expect(shards.map(({ state }) => state)).to.deep.equal(['closed', 'closed', 'closed']);
  });

  it('waits for no broker where each is made by a function', async () => {
    const network = memoryNetwork();
    network.sever();
    const runtime = new VirtualRuntime();
    const shards = ['first', 'second'].map(
      (name) => () => memoryBus({ channel: name, network, name }),
    );
    const cluster = await joinCluster({ name: 'test', shards, runtime, lingerMs: 0 });
    expect(cluster.status().bus).to.equal('away');
    const closed = cluster.close();
    await runtime.pass(10_000);
    await closed;
  });

  it('closes all of them, leaves no timer, and refuses what comes after', async () => {
    const bus = new ScriptedBus();
    const other = new ScriptedBus();
    const runtime = new VirtualRuntime();
    const cluster = await joinCluster({ name: 'test', shards: [bus, other], runtime, lingerMs: 0 });
    const closed = cluster.close();
    await runtime.pass(10_000);
    await closed;
    expect([bus.state, other.state]).to.deep.equal(['closed', 'closed']);
    expect(runtime.timers).to.equal(0);
    expect(await failureOf(cluster.invalidate({ keys: 'a' }))).to.have.property(
      'code',
      'CACHE_CLOSED',
    );
  });
});
