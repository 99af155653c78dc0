import { expect } from 'chai';

import {
  memoryBus,
  type MemoryFaults,
  type MemoryNetwork,
  memoryNetwork,
} from '../../../adapters/memory/index.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { FakeTimers, settled } from '../../unit/bus/fake-timers.ts';
import { memoryMember } from './memory-member.ts';

/** A network whose time the test moves, and whose draws are the same in each run. */
function testNetwork(): { readonly network: MemoryNetwork; readonly timers: FakeTimers } {
  const timers = new FakeTimers();
  return { network: memoryNetwork({ timers, seed: 7 }), timers };
}

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index}`);

describe('the memory bus', () => {
  it('delivers synchronously to every bus of its channel, the publisher included', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network });
    const b = await memoryMember({ channel: 'c', network });
    const publishing = a.bus.publish('x');
    expect([a.heard, b.heard]).to.deep.equal([['x'], ['x']]);
    await publishing;
  });

  it('keeps channels and networks apart, and shares one network per process by default', async () => {
    const a = await memoryMember({ channel: 'shared' });
    const b = await memoryMember({ channel: 'shared' });
    const otherChannel = await memoryMember({ channel: 'shared ' });
    const otherNetwork = await memoryMember({ channel: 'shared', network: memoryNetwork() });
    await a.bus.publish('x');
    expect(b.heard).to.deep.equal(['x']);
    expect(otherChannel.heard).to.deep.equal([]);
    expect(otherNetwork.heard).to.deep.equal([]);
    await Promise.all([a, b, otherChannel, otherNetwork].map(({ bus }) => bus.close()));
  });

  it('lets all hear one order, also of what is published from inside a receiver', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({
      channel: 'c',
      network,
      onHeard: (line) => {
        if (line === '1') void a.bus.publish('2');
      },
    });
    const b = await memoryMember({ channel: 'c', network });
    await a.bus.publish('1');
    await a.bus.publish('3');
    expect(a.heard).to.deep.equal(['1', '2', '3']);
    expect(b.heard).to.deep.equal(['1', '2', '3']);
  });

  it('delivers a foreign message with its text, one id for all, and its sender', async () => {
    const { network } = testNetwork();
    const messages: unknown[] = [];
    for (const name of ['a', 'b']) {
      await memoryBus({ channel: 'c', network, name }).open({
        onFrame() {},
        onForeign: (message) => messages.push(message),
        onContinuity() {},
      });
    }
    const id = network.sendForeign('c', 'article:42 🙂', 'ann');
    const expected = { text: 'article:42 🙂', id, sender: 'ann' };
    expect(messages).to.deep.equal([expected, expected]);
    expect(network.sendForeign('nobody', 'x')).to.not.equal(id);
  });

  for (const [what, options] of [
    ['an empty channel', { channel: '' }],
    ['a channel that is no text', { channel: JSON.parse('7') }],
    ['another object as its network', { channel: 'c', network: JSON.parse('{}') }],
    ['an unknown ordering', { channel: 'c', ordering: JSON.parse('"some"') }],
    ['no room for a message', { channel: 'c', maxQueuedMessages: 0 }],
    ['a frame bound that is no number', { channel: 'c', maxFrameBytes: Number.NaN }],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => memoryBus(options)).to.throw(TypeError, 'options.');
    });
  }
});

describe('the faults of a memory network', () => {
  it('lose silently what `drop` takes, and only there', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    const b = await memoryMember({ channel: 'c', network, name: 'b' });
    network.setFaults({ drop: ({ to, text, from }) => to === 'b' && from === 'a' && text === '1' });
    for (const frame of numbers(3)) await a.bus.publish(frame);
    expect(a.heard).to.deep.equal(['0', '1', '2']);
    expect(b.heard).to.deep.equal(['0', '2']);
    expect(network.counters).to.include({ delivered: 5, dropped: 1 });
  });

  it('own up to each loss with reportDrops', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network });
    network.setFaults({ drop: 1, reportDrops: true });
    await a.bus.publish('x');
    expect(a.heard).to.deep.equal(['gap BUS_OVERFLOW']);
  });

  it('strike about as often as the probability says, and at the same places for the same seed', async () => {
    const runs: string[][] = [];
    for (const seed of [1, 1, 2]) {
      const network = memoryNetwork({ seed });
      const a = await memoryMember({ channel: 'c', network });
      network.setFaults({ drop: 0.3 });
      for (const frame of numbers(1_000)) await a.bus.publish(frame);
      expect(a.heard.length).to.be.within(650, 750);
      runs.push(a.heard);
    }
    expect(runs[0]).to.deep.equal(runs[1]);
    expect(runs[0]).to.not.deep.equal(runs[2]);
  });

  it('deliver twice with `duplicate`', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network });
    network.setFaults({ duplicate: 1 });
    await a.bus.publish('x');
    expect(a.heard).to.deep.equal(['x', 'x']);
  });

  it('let the next message overtake with `reorder`, and do not keep the last one for ever', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network });
    network.setFaults({ reorder: ({ text }) => text === '0' || text === '2' });
    for (const frame of numbers(3)) await a.bus.publish(frame);
    expect(a.heard).to.deep.equal(['1', '0']);
    await timers.advance(50);
    expect(a.heard).to.deep.equal(['1', '0', '2']);
  });

  it('delay, fixed or drawn, and keep the total order', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network });
    const b = await memoryMember({ channel: 'c', network });
    network.setFaults({ delayMs: 20 });
    await a.bus.publish('slow');
    await timers.advance(19);
    expect(a.heard).to.deep.equal([]);
    await timers.advance(1);
    expect(a.heard).to.deep.equal(['slow']);
    network.setFaults({ delayMs: { min: 0, max: 100 } });
    for (const frame of numbers(50)) await a.bus.publish(frame);
    network.setFaults({});
    await b.bus.publish('last');
    await timers.advance(100);
    expect(a.heard.slice(1)).to.deep.equal([...numbers(50), 'last']);
    expect(b.heard).to.deep.equal(a.heard);
    expect(timers.pending).to.equal(0);
  });

  it('delay past the order that is not promised', async () => {
    const faults: MemoryFaults = { delayMs: { min: 0, max: 100 } };
    for (const [ordering, perPublisher] of [
      ['publisher', true],
      ['none', false],
    ] as const) {
      const { network, timers } = testNetwork();
      const a = await memoryMember({ channel: 'c', network, ordering });
      const b = await memoryMember({ channel: 'c', network, ordering });
      network.setFaults(faults);
      for (const frame of numbers(50)) {
        await a.bus.publish(`a${frame}`);
        await b.bus.publish(`b${frame}`);
      }
      await timers.advance(100);
      const ofA = a.heard.filter((line) => line.startsWith('a'));
      const inOrder = numbers(50).map((frame) => `a${frame}`);
      expect(ofA.join() === inOrder.join(), ordering).to.equal(perPublisher);
      expect(new Set(ofA)).to.deep.equal(new Set(inOrder));
      expect(a.heard, 'two receivers hear two orders').to.not.deep.equal(b.heard);
    }
  });

  it('own up to what a slow line cannot hold', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, maxQueuedMessages: 2 });
    network.setFaults({ delayMs: 10 });
    for (const frame of numbers(3)) await a.bus.publish(frame);
    await timers.advance(10);
    expect(a.heard).to.deep.equal(['gap BUS_OVERFLOW', '0', '1']);
  });

  for (const faults of [
    { drop: 2 },
    { duplicate: -1 },
    { reorder: Number.NaN },
    { delayMs: -1 },
    { delayMs: { min: 2, max: 1 } },
    { delayMs: Number.POSITIVE_INFINITY },
  ]) {
    it(`are refused when they make no sense: ${JSON.stringify(faults)}`, () => {
      expect(() => {
        memoryNetwork().setFaults(faults);
      }).to.throw(TypeError, 'faults.');
    });
  }
});

describe('a partition of a memory network', () => {
  it('cuts one bus off: it hears interrupted, and after healing resumed with possible loss', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    const b = await memoryMember({ channel: 'c', network, name: 'b' });
    network.sever('b');
    await a.bus.publish('missed');
    expect(await rejection(b.bus.publish('x'))).to.include({ code: 'BUS_INTERRUPTED' });
    await timers.advance(60_000);
    network.heal('b');
    await timers.advance(5_000);
    await a.bus.publish('heard');
    expect(b.heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible', 'heard']);
    expect(a.heard).to.deep.equal(['missed', 'heard']);
  });

  it('loses nothing where the bus can resume: what was missed comes after resumed, also if all were cut', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a', resumption: true });
    const b = await memoryMember({ channel: 'c', network, name: 'b', resumption: true });
    network.sever('b');
    await a.bus.publish('1');
    network.sendForeign('c', '2');
    network.sever();
    network.sendForeign('c', '3');
    network.heal();
    await timers.advance(5_000);
    await a.bus.publish('4');
    const missed = ['interrupted BUS_UNREACHABLE', 'resumed none'];
    expect(b.heard).to.deep.equal([...missed, '1', 'foreign 2', 'foreign 3', '4']);
    expect(a.heard).to.deep.equal(['1', 'foreign 2', ...missed, 'foreign 3', '4']);
  });

  it('does not lose or repeat what was on its way when the line was cut', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    const b = await memoryMember({ channel: 'c', network, name: 'b', resumption: true });
    await a.bus.publish('0');
    network.setFaults({ delayMs: 30 }, 'b');
    await a.bus.publish('1');
    network.sever('b');
    await a.bus.publish('2');
    network.setFaults({}, 'b');
    network.heal('b');
    await timers.advance(5_000);
    expect(b.heard).to.deep.equal(['0', 'interrupted BUS_UNREACHABLE', 'resumed none', '1', '2']);
  });

  it('owns up when more was missed than is kept', async () => {
    const { network, timers } = testNetwork();
    const options = { channel: 'c', network, resumption: true, maxQueuedMessages: 3 };
    const a = await memoryMember({ ...options, name: 'a' });
    const b = await memoryMember({ ...options, name: 'b' });
    network.sever('b');
    for (const frame of numbers(20)) await a.bus.publish(frame);
    network.heal('b');
    await timers.advance(5_000);
    expect(b.heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
  });

  it('is noticed within silenceTimeoutMs when the line is half-open, and attaching then waits', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a', silenceTimeoutMs: 300 });
    network.swallow('a');
    const publishing = rejection(a.bus.publish('x'));
    await timers.advance(299);
    expect(a.bus.state).to.equal('open');
    await timers.advance(1);
    expect(await publishing).to.include({ code: 'BUS_UNCONFIRMED' });
    await timers.advance(60_000);
    expect(a.heard).to.deep.equal(['interrupted BUS_UNREACHABLE']);
    network.heal('a');
    await timers.advance(10_000);
    expect(a.bus.state).to.equal('open');
    expect(a.heard.at(-1)).to.equal('resumed possible');
  });

  it('passes on what waited when a half-open line heals in time, in order', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    const b = await memoryMember({ channel: 'c', network, name: 'b' });
    network.swallow('b');
    const ofB = b.bus.publish('from b');
    await a.bus.publish('1');
    await a.bus.publish('2');
    expect(b.heard).to.deep.equal([]);
    network.heal('b');
    await ofB;
    expect(a.heard).to.deep.equal(['1', '2', 'from b']);
    expect(b.heard).to.deep.equal(a.heard);
  });

  for (const [direction, heardByA, heardByB] of [
    ['in', ['of a', 'of b'], []],
    ['out', ['of a'], ['of a']],
  ] as const) {
    it(`can be half-open one way: ${direction}`, async () => {
      const { network } = testNetwork();
      const a = await memoryMember({ channel: 'c', network, name: 'a' });
      const b = await memoryMember({ channel: 'c', network, name: 'b' });
      network.swallow('b', direction);
      await a.bus.publish('of a');
      const ofB = rejection(b.bus.publish('of b'));
      expect(a.heard).to.deep.equal(heardByA);
      expect(b.heard).to.deep.equal(heardByB);
      await b.bus.close();
      expect(await ofB).to.include({ code: 'BUS_UNCONFIRMED' });
    });
  }

  it('ends a half-open line that is full, rather than losing silently', async () => {
    const { network } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    const b = await memoryMember({ channel: 'c', network, name: 'b', maxQueuedMessages: 2 });
    network.swallow('b');
    for (const frame of numbers(3)) await a.bus.publish(frame);
    expect(b.heard).to.deep.equal(['interrupted BUS_OVERFLOW']);
  });

  it('can refuse: open says why, and a bus that attaches again gives up on a wrong credential', async () => {
    const { network, timers } = testNetwork();
    const a = await memoryMember({ channel: 'c', network, name: 'a' });
    for (const code of ['BUS_UNREACHABLE', 'BUS_ACCESS_DENIED', 'BUS_MISCONFIGURED'] as const) {
      network.refuse(code, 'b');
      const opening = memoryMember({ channel: 'c', network, name: 'b' });
      expect(await rejection(opening)).to.include({ code });
    }
    network.sever('a');
    network.refuse('BUS_ACCESS_DENIED');
    await timers.advance(5_000);
    expect(a.heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'failed BUS_ACCESS_DENIED']);
  });

  it('leaves nothing behind: no timer after close, in whatever condition', async () => {
    for (const fault of ['sever', 'swallow', 'heal'] as const) {
      const { network, timers } = testNetwork();
      network.setFaults({ delayMs: 1_000, reorder: 1 });
      const a = await memoryMember({ channel: 'c', network, name: 'a' });
      void a.bus.publish('x').catch(() => undefined);
      network[fault]('a');
      await settled();
      await a.bus.close();
      expect(timers.pending, fault).to.equal(0);
    }
  });
});
