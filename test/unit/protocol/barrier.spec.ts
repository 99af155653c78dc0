import { expect } from 'chai';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { beatOf } from '../../support/messages.ts';

/** The lease: the bound, and what the clocks may differ in their rates. */
const LEASE_MS = 3_000 * 1.002;

function trioOf(network: CoreNetwork): [CoreNode, CoreNode, CoreNode] {
  const [writer, one, two] = network.cluster('writer', 'one', 'two');
  if (writer === undefined || one === undefined || two === undefined) throw new Error('no nodes');
  return [writer, one, two];
}

describe('the barrier', () => {
  it('BAR-1 receivers acknowledge within 20 ms, once for all that was asked meanwhile', () => {
    const network = new CoreNetwork();
    const [writer, one] = trioOf(network);
    const startMs = network.nowMs;
    writer.invalidate(['x'], { for: 'all' });
    network.run(6);
    writer.invalidate(['y'], { for: 'all' });
    network.run(60);
    const acks = network.sent.filter(({ from, message }) => from === one && message.type === 'ack');
    expect(acks.map(({ message }) => message)).to.deep.equal([
      { type: 'ack', origin: one.origin, acks: new Map([[writer.origin, 2]]) },
    ]);
    expect((acks[0]?.atMs ?? 0) - startMs).to.be.within(20, 30);
  });

  it('BAR-1 beats carry the same numbers, so that a lost acknowledgement costs nothing but time', () => {
    const network = new CoreNetwork();
    const [writer] = trioOf(network);
    network.lose = ({ message }) => message.type === 'ack';
    const startMs = network.nowMs;
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(1_500);
    expect(call.result?.by).to.equal('acks');
    expect((call.settledAtMs ?? 0) - startMs).to.be.below(1_500);
  });

  it('BAR-1 a repair of what is waited for asks to be acknowledged as well', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [writer, one] = trioOf(network);
    network.lose = ({ to, message }) => to === one && message.type === 'inv';
    const startMs = network.nowMs;
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(1_500);
    expect(call.result?.by).to.equal('acks');
    expect((call.settledAtMs ?? 0) - startMs).to.be.below(1_000);
  });

  it('BAR-2 resolves when all whom it requires have applied it', () => {
    const network = new CoreNetwork();
    const [writer, one, two] = trioOf(network);
    const call = writer.invalidate(['x'], { for: 'all' });
    expect(call.result).to.equal(undefined);
    network.run(50);
    expect(call.result).to.deep.include({ by: 'acks', missing: [] });
    expect(call.result?.acked).to.have.members([one.origin, two.origin]);
    expect(one.dropped('x') && two.dropped('x')).to.equal(true);
  });

  it('BAR-2 an acknowledgement counts only for what it covers', () => {
    const network = new CoreNetwork();
    const [writer, one] = trioOf(network);
    network.lose = ({ to, message }) =>
      to === one && (message.type === 'inv' || message.type === 'rep');
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(2_900);
    expect(one.dropped('x')).to.equal(false);
    expect(call.result).to.equal(undefined);
  });

  it('BAR-2 ends when the bound has passed, and says who is missing', () => {
    const network = new CoreNetwork();
    const [writer, one, two] = trioOf(network);
    two.kill();
    const startMs = network.nowMs;
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(10_000);
    expect(call.result).to.deep.equal({ by: 'lease', acked: [one.origin], missing: [two.origin] });
    expect((call.settledAtMs ?? 0) - startMs).to.be.within(LEASE_MS, LEASE_MS + 1);
  });

  it('BAR-2 counts the lease on a clock that no step and no suspension can hurry', () => {
    const network = new CoreNetwork();
    const [writer, , two] = trioOf(network);
    two.kill();
    const startMs = network.nowMs;
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(100);
    writer.clock.localMs += 86_400_000;
    writer.clock.wallMs += 86_400_000;
    writer.tick();
    network.run(1_000);
    expect(call.result).to.equal(undefined);
    network.run(5_000);
    expect((call.settledAtMs ?? 0) - startMs).to.be.at.least(LEASE_MS);
  });

  it('BAR-2 does not wait for those who said bye, and counts nobody twice', () => {
    const network = new CoreNetwork();
    const [writer, one, two] = trioOf(network);
    network.lose = ({ from, message }) => from === two && message.type !== 'bye';
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(100);
    expect(call.result).to.equal(undefined);
    two.leave();
    network.run(50);
    expect(call.result).to.deep.equal({ by: 'acks', acked: [one.origin], missing: [] });
  });

  it('BAR-2 ends within the bound also while the bus is away', () => {
    const network = new CoreNetwork();
    const [writer] = trioOf(network);
    writer.cut();
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(LEASE_MS + 10);
    expect(call.result?.by).to.equal('lease');
  });

  it('BAR-2 a node that does not know whom to require goes by the lease alone', () => {
    const network = new CoreNetwork();
    const node = network.add('newborn');
    const call = node.invalidate(['x'], { for: 'all' });
    network.run(2_900);
    expect(call.result).to.equal(undefined);
    network.run(200);
    expect(call.result?.by).to.equal('lease');
  });

  for (const [what, overrides] of [
    ['serves past the bound on purpose', { features: ['stale'] }],
    ['has a longer bound of its own', { maxStalenessMs: 9_000 }],
  ] as const) {
    it(`BAR-3 reports as missing at the deadline a member that ${what}, although it has acknowledged`, () => {
      const network = new CoreNetwork();
      const writer = network.add('writer', { expectedNodes: 3 });
      const odd = network.add('odd', { expectedNodes: 3, ...overrides });
      const dead = network.add('dead', { expectedNodes: 3 });
      network.run(5_000);
      dead.kill();
      const call = writer.invalidate(['x'], { for: 'all' });
      network.run(3_100);
      expect(call.result).to.deep.include({ by: 'lease', acked: [odd.origin] });
      expect(call.result?.missing).to.have.members([odd.origin, dead.origin]);
    });
  }

  it('BAR-3 reports as missing at the deadline a member that speaks a later version', () => {
    const network = new CoreNetwork();
    const [writer] = trioOf(network);
    writer.hear('{"v":2,"ns":"test","t":"beat","o":"later/0123456789abc"}');
    const call = writer.invalidate(['x'], { for: 'all' });
    network.run(3_100);
    expect(call.result).to.deep.include({ by: 'lease', missing: ['later/0123456789abc'] });
  });

  it('BAR-4 for the bus alone it resolves once the broker has accepted all of it', () => {
    const network = new CoreNetwork();
    const [writer] = trioOf(network);
    const call = writer.invalidateAll({
      keys: { things: Array.from({ length: 1_000 }, (_, index) => `key-${index}`) },
    });
    network.run(4);
    expect(call.result).to.equal(undefined);
    network.run(100);
    expect(call.result).to.deep.equal({ by: 'bus', acked: [], missing: [] });
  });

  it('BAR-4 for a number of members it resolves with so many', () => {
    const network = new CoreNetwork();
    const [writer, one, two] = trioOf(network);
    two.kill();
    const call = writer.invalidate(['x'], { for: 1 });
    network.run(50);
    expect(call.result).to.deep.equal({ by: 'acks', acked: [one.origin], missing: [two.origin] });
  });

  for (const wait of ['bus', 'all', 2] as const) {
    it(`BAR-4 a timeout ends the wait for ${wait}`, () => {
      const network = new CoreNetwork();
      const [writer, , two] = trioOf(network);
      two.kill();
      network.confirms = false;
      const startMs = network.nowMs;
      const call = writer.invalidate(['x'], { for: wait, timeoutMs: 400 });
      network.run(1_000);
      expect(call.result?.by).to.equal('timeout');
      expect((call.settledAtMs ?? 0) - startMs).to.be.within(400, 401);
    });
  }

  it('ends every wait when the node leaves', () => {
    const network = new CoreNetwork();
    const [writer, , two] = trioOf(network);
    two.kill();
    network.confirms = false;
    const calls = [writer.invalidate(['x'], { for: 'all' }), writer.invalidate(['y'])];
    writer.leave();
    for (const { result } of calls) expect(result?.by).to.equal('local');
  });

  it('goes by the lease for what was published under an origin that is no more', () => {
    const network = new CoreNetwork();
    const [writer] = trioOf(network);
    network.lose = ({ message }) => message.type === 'ack';
    const call = writer.invalidate(['x'], { for: 'all' });
    writer.hearOf(beatOf(writer.origin, { beat: 1_000_000 }));
    network.run(2_900);
    expect(call.result).to.equal(undefined);
    network.run(200);
    expect(call.result?.by).to.equal('lease');
  });
});
