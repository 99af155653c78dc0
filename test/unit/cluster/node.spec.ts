import { expect } from 'chai';
import { ClusterNode } from '../../../src/cluster/node.ts';
import type { RegionTarget } from '../../../src/cluster/region.ts';
import { BusError } from '../../../src/index.ts';
import { settingsOf } from '../../support/core-settings.ts';
import { frameOf } from '../../support/core-network.ts';
import { beatOf, invOf } from '../../support/messages.ts';
import { failureOf } from '../cache/lone-node.ts';
import { turn, VirtualRuntime } from '../cache/virtual-runtime.ts';
import { ScriptedBus } from './scripted-bus.ts';

const PEER = 'peer/0123456789abc';

/** What was dropped of a region, one line each. */
class Shelf implements RegionTarget {
  readonly log: string[] = [];
  onDrop: () => void = () => undefined;

  drop({ keys }: { readonly keys: readonly string[] }): void {
    this.log.push(`drop ${keys.join(' ')}`);
    this.onDrop();
  }

  flush(): void {
    this.log.push('flush');
  }

  quarantine(guard: number): void {
    this.log.push(`quarantine ${guard}`);
  }

  lift(guard: number): void {
    this.log.push(`lift ${guard}`);
  }
}

interface Bench {
  readonly node: ClusterNode;
  readonly bus: ScriptedBus;
  readonly runtime: VirtualRuntime;
  readonly shelf: Shelf;
  readonly hear: (...messages: Parameters<typeof frameOf>[0][]) => void;
}

async function bench(overrides: Parameters<typeof settingsOf>[0] = {}): Promise<Bench> {
  const runtime = new VirtualRuntime();
  const node = new ClusterNode(settingsOf({ expectedNodes: 1, ...overrides }), runtime);
  const bus = new ScriptedBus();
  await node.open(bus);
  const shelf = new Shelf();
  node.addTarget('things', shelf);
  shelf.log.length = 0;
  return {
    node,
    bus,
    runtime,
    shelf,
    hear: (...messages) => {
      for (const message of messages) bus.receiver?.onFrame(frameOf(message));
    },
  };
}

const keys = (...names: string[]): { readonly keys: { readonly things: readonly string[] } } => ({
  keys: { things: names },
});
const summaries = (bus: ScriptedBus): string[] =>
  bus.published.flatMap(({ summary }) => summary ?? []);

describe('the shell of a node', () => {
  it("beats when it is time, and tells the broker's answer to the core", async () => {
    const { bus, runtime, node } = await bench();
    const before = bus.published.length;
    await runtime.pass(10_000);
    expect(bus.published.length - before).to.be.within(10, 40);
    const call = node.invalidate(keys('a'), { for: 'bus' });
    expect(await call).to.deep.equal({ by: 'bus', acked: [], missing: [] });
    expect(summaries(bus)).to.deep.equal(['a']);
  });

  it('applies what it hears in the turn in which it hears it', async () => {
    const { hear, shelf } = await bench();
    hear(invOf(PEER, 1, ['x']));
    expect(shelf.log).to.deep.equal(['drop x']);
  });

  it('carries effects out in the order in which the core gives them: applied before it is sent', async () => {
    const { node, bus, shelf } = await bench();
    const log = shelf.log;
    bus.onPublish = (frame) => {
      if (frame.includes('"inv"')) log.push('sent');
      return Promise.resolve();
    };
    const guard = node.reserve(keys('w'));
    await node.release(guard, keys('w'), { for: 'bus' });
    expect(log).to.deep.equal([`quarantine ${guard}`, 'drop w', `lift ${guard}`, 'sent']);
  });

  it('takes what happens during a step after it, in order', async () => {
    const { node, bus, shelf } = await bench();
    let done = false;
    shelf.onDrop = () => {
      if (done) return;
      done = true;
      void node.invalidate(keys('second'), { for: 'bus' });
      shelf.log.push('still in the first');
    };
    await node.invalidate(keys('first'), { for: 'bus' });
    await turn();
    expect(shelf.log).to.deep.equal(['drop first', 'still in the first', 'drop second']);
    expect(summaries(bus)).to.deep.equal(['first', 'second']);
  });

  for (const [event, said, expected] of [
    [
      'resumed with a loss',
      (bus: ScriptedBus) => {
        bus.interrupt();
        bus.resume('possible');
      },
      true,
    ],
    [
      'resumed without',
      (bus: ScriptedBus) => {
        bus.interrupt();
        bus.resume('none');
      },
      false,
    ],
    [
      'a gap',
      (bus: ScriptedBus) => {
        bus.receiver?.onContinuity({ type: 'gap', cause: new BusError('BUS_OVERFLOW', 'x') });
      },
      true,
    ],
  ] as const) {
    it(`asks everybody for beats after ${event}: ${expected}`, async () => {
      const { bus, runtime } = await bench();
      await runtime.pass(5_000);
      const before = bus.published.length;
      said(bus);
      await turn();
      const asked = bus.published.slice(before).some(({ frame }) => frame.includes('"j":1'));
      expect(asked).to.equal(expected);
    });
  }

  it('takes a bus that was interrupted before `open` came back for away', async () => {
    const runtime = new VirtualRuntime();
    const node = new ClusterNode(settingsOf({ expectedNodes: 1 }), runtime);
    const bus = new ScriptedBus();
    bus.onOpened = () => {
      bus.interrupt();
    };
    await node.open(bus);
    expect(node.line.isOpen).to.equal(false);
    bus.resume();
    expect(node.line.isOpen).to.equal(true);
  });

  it('settles calls as applied here when the bus goes, and sends again when it is back', async () => {
    const { node, bus, runtime } = await bench();
    await runtime.pass(1_000);
    let refuse: ((error: Error) => void) | undefined;
    bus.onPublish = () =>
      new Promise((_, reject) => {
        refuse = reject;
      });
    const call = node.invalidate(keys('a'), { for: 'bus' });
    await turn();
    bus.interrupt();
    expect(await call).to.deep.include({ by: 'local' });
    refuse?.(new BusError('BUS_UNCONFIRMED', 'the link died'));
    await turn();
    bus.onPublish = () => Promise.resolve();
    bus.resume();
    await turn();
    expect(summaries(bus)).to.deep.equal(['a', 'a']);
  });

  for (const [what, publish] of [
    ['rejects with something that is no BusError', () => Promise.reject(new Error('odd'))],
    [
      'throws at once',
      () => {
        throw new Error('odd');
      },
    ],
  ] as const) {
    it(`survives a bus that ${what}`, async () => {
      const { node, bus, runtime } = await bench();
      await runtime.pass(1_000);
      bus.onPublish = publish;
      expect(await node.invalidate(keys('a'), { for: 'bus' })).to.deep.include({ by: 'local' });
      bus.onPublish = () => Promise.resolve();
      await runtime.pass(1_000);
      expect(summaries(bus)).to.deep.equal(['a', 'a']);
    });
  }

  it('goes on after a target that throws', async () => {
    const { node, shelf, hear } = await bench();
    shelf.onDrop = () => {
      throw new Error('a target must not throw');
    };
    expect(() => {
      hear(invOf(PEER, 1, ['x']));
    }).to.throw('must not throw');
    shelf.onDrop = () => undefined;
    hear(invOf(PEER, 2, ['y']));
    expect(shelf.log.at(-1)).to.equal('drop y');
    expect((await node.invalidate(keys('z'), { for: 'bus' })).by).to.equal('bus');
  });

  describe('when it closes', () => {
    it('waits until everything is accepted, says bye, and answers requests for a while', async () => {
      const { node, bus, runtime, hear } = await bench();
      hear(beatOf(PEER, { digest: {} }));
      let accept: (() => void) | undefined;
      bus.onPublish = (frame) =>
        frame.includes('"inv"')
          ? new Promise((resolve) => {
              accept = resolve;
            })
          : Promise.resolve();
      void node.invalidate(keys('a'), { for: 'bus' });
      const closing = node.close({ flushMs: 2_000, lingerMs: 1_000 });
      await runtime.pass(500);
      expect(bus.published.some(({ frame }) => frame.includes('"bye"'))).to.equal(false);
      accept?.();
      await runtime.pass(100);
      expect(bus.published.at(-1)?.frame).to.include('"bye"');
      expect(bus.closes).to.equal(0);
      hear({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[1, 1]] });
      await turn();
      expect(bus.published.at(-1)?.frame).to.include('"rep"');
      await runtime.pass(1_000);
      await closing;
      expect(bus.closes).to.equal(1);
    });

    it('waits for guarded writes, and says no bye over one that does not end', async () => {
      const { node, bus, runtime } = await bench();
      node.reserve(keys('w'));
      const closing = node.close({ flushMs: 2_000, lingerMs: 0 });
      await runtime.pass(2_500);
      await closing;
      expect(bus.published.some(({ frame }) => frame.includes('"bye"'))).to.equal(false);
    });

    it('does not wait longer than it was told for a broker that accepts nothing', async () => {
      const { node, bus, runtime } = await bench();
      bus.onPublish = () => new Promise(() => undefined);
      void node.invalidate(keys('a'), { for: 'bus' });
      const closing = node.close({ flushMs: 2_000, lingerMs: 1_000 });
      await runtime.pass(3_100);
      await closing;
      expect(bus.closes).to.equal(1);
    });

    it('settles every call, and those that come later', async () => {
      const { node, bus, runtime } = await bench();
      bus.onPublish = () => new Promise(() => undefined);
      const calls = [
        node.invalidate(keys('a'), { for: 'bus' }),
        node.invalidate(keys('b'), { for: 'all' }),
      ];
      const closing = node.close({ flushMs: 0, lingerMs: 0 });
      await runtime.pass(10);
      await closing;
      for (const { by } of await Promise.all([
        ...calls,
        node.invalidate(keys('c'), { for: 'bus' }),
      ])) {
        expect(by).to.be.oneOf(['local', 'acks']);
      }
    });

    it('does nothing any more: no timer runs, nothing is applied, nothing is sent', async () => {
      const { node, bus, runtime, hear, shelf } = await bench();
      const closing = node.close({ flushMs: 0, lingerMs: 0 });
      await runtime.pass(10);
      await closing;
      const before = bus.published.length;
      shelf.log.length = 0;
      hear(invOf(PEER, 1, ['x']));
      bus.resume();
      node.step({ type: 'timer' });
      await runtime.pass(60_000);
      expect(shelf.log).to.deep.equal([]);
      expect(bus.published.length).to.equal(before);
      expect(runtime.timers).to.equal(0);
    });

    it('tells those who wait for it to be ready', async () => {
      const { node, runtime } = await bench({ expectedNodes: 5 });
      const waiting = failureOf(node.ready());
      const aborted = new AbortController();
      const gaveUp = failureOf(node.ready(aborted.signal));
      aborted.abort(new Error('enough'));
      expect(await gaveUp).to.deep.include({ message: 'enough' });
      const closing = node.close({ flushMs: 0, lingerMs: 0 });
      await runtime.pass(10);
      await closing;
      expect(await waiting).to.deep.include({ code: 'BUS_NOT_OPEN' });
      expect(await failureOf(node.ready())).to.deep.include({ code: 'BUS_NOT_OPEN' });
    });
  });

  it('is ready when it knows whom to require, and is required by them', async () => {
    const { node, hear } = await bench({ expectedNodes: 2 });
    let ready = false;
    const waiting = node.ready().then(() => {
      ready = true;
    });
    await turn();
    expect(ready).to.equal(false);
    hear(beatOf(PEER, { digest: { [node.origin]: { beat: 1 } } }));
    await waiting;
    expect(ready).to.equal(true);
  });
});
