import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { nackBackoffMs } from '../../../src/protocol/repair-requests.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { Prng } from '../../simulation/prng.ts';
import { beatOf, invOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';

function settledNode(network: CoreNetwork): CoreNode {
  const node = network.add('me', { expectedNodes: 1 });
  network.run(1_000);
  network.sent.length = 0;
  node.forgetHistory();
  return node;
}

describe('repair', () => {
  it('NACK-1 asks after 50 ms and a back-off, and not at all if the numbers were only late', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const network = new CoreNetwork({ seed });
      const node = settledNode(network);
      const startMs = network.nowMs;
      node.hearOf(invOf(PEER, 2));
      network.run(49);
      expect(network.sentOf('nack')).to.deep.equal([]);
      if (seed % 2 === 0) {
        node.hearOf(invOf(PEER, 1));
        network.run(2_000);
        expect(network.sentOf('nack')).to.deep.equal([]);
        expect(node.core.counters.lost).to.equal(0);
      } else {
        network.until(() => network.sentOf('nack').length > 0, 300);
        expect(network.nowMs - startMs).to.be.within(50, 300);
        expect(node.core.counters.lost).to.equal(1);
      }
    }
  });

  it('NACK-1 waits as RFC 5401 tells: in a group of any size about one asks within the first tenth', () => {
    const random = new Prng(5);
    for (const size of [10, 50, 200, 1_000]) {
      let early = 0;
      const rounds = 200;
      for (let round = 0; round < rounds; round += 1) {
        const waits = Array.from({ length: size }, () => nackBackoffMs(250, size, random.next()));
        expect(Math.min(...waits)).to.be.at.least(0);
        expect(Math.max(...waits)).to.be.at.most(250);
        const first = Math.min(...waits);
        early += waits.filter((wait) => wait < first + 10).length;
      }
      // Those who ask before they could have heard the first, if that takes 10 ms.
      expect(early / rounds, `${size} nodes`).to.be.within(1, 2.5);
    }
  });

  it('NACK-2 of 50 that all miss one message at most 3 ask, and one repair answers all', () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const network = new CoreNetwork({ seed, maxStalenessMs: 30_000, latencyMs: 8 });
      const labels = Array.from({ length: 51 }, (_, index) => `n${index}`);
      const [publisher, ...receivers] = network.cluster(...labels);
      if (publisher === undefined) throw new Error('no nodes');
      network.lose = ({ to, message }) => message.type === 'inv' && to !== publisher;
      publisher.invalidate(['lost']);
      network.run(1);
      network.lose = () => false;
      network.run(2_500);
      for (const receiver of receivers) expect(receiver.dropped('lost')).to.equal(true);
      expect(network.sentOf('nack').length, `seed ${seed}`).to.be.within(1, 3);
      expect(network.sentOf('rep')).to.have.lengthOf(1);
    }
  });

  it('NACK-2 waits when somebody else has asked for the lowest number that it misses, and for no other', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    node.hearOf(invOf(PEER, 4));
    node.hearOf({ type: 'nack', origin: 'other/0123456789abc', publisher: PEER, ranges: [[1, 3]] });
    network.run(370);
    expect(network.sentOf('nack')).to.deep.equal([]);
    network.run(300);
    expect(network.sentOf('nack')).to.have.lengthOf(1);

    const second = new CoreNetwork();
    const other = settledNode(second);
    other.hearOf(invOf(PEER, 4));
    other.hearOf({
      type: 'nack',
      origin: 'other/0123456789abc',
      publisher: PEER,
      ranges: [[2, 3]],
    });
    second.run(301);
    expect(second.sentOf('nack')).to.have.lengthOf(1);
  });

  it('NACK-2 asks with at most 16 ranges', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    for (let seq = 2; seq <= 100; seq += 2) node.hearOf(invOf(PEER, seq));
    network.run(301);
    expect(network.sentOf('nack')[0]?.ranges).to.have.lengthOf(LIMITS.nackRanges);
  });

  it('NACK-3 answers with one repair for the whole range', () => {
    const network = new CoreNetwork();
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    network.lose = ({ from, to }) => from === writer && to === reader;
    for (let index = 0; index < 100; index += 1) {
      writer.invalidate([`key-${index}`]);
      network.run(11);
    }
    network.lose = () => false;
    network.run(1_000);
    expect(network.sentOf('rep')).to.have.lengthOf(1);
    for (let index = 0; index < 100; index += 1)
      expect(reader.dropped(`key-${index}`)).to.equal(true);
    expect(reader.effects('fence')).to.deep.equal([]);
    expect(reader.core.counters).to.deep.include({ lost: 100, repaired: 100 });
    expect(reader.reports('gap-closed')).to.deep.equal([
      { type: 'gap-closed', origin: writer.origin, by: 'repair' },
    ]);
  });

  it('NACK-3 ignores a range that it has just repaired, also as part of a larger one', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    for (let index = 1; index <= 9; index += 1) {
      node.invalidate([`key-${index}`]);
      network.run(11);
    }
    const ask = (low: number, high: number): void => {
      node.hearOf({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[low, high]] });
    };
    ask(2, 8);
    ask(2, 8);
    ask(3, 5);
    expect(network.sentOf('rep')).to.have.lengthOf(1);
    network.run(201);
    ask(3, 5);
    expect(network.sentOf('rep')).to.have.lengthOf(2);
  });

  it('NACK-3 sends at most 20 repairs a second, the last of which covers everything that is published', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    for (let index = 1; index <= 200; index += 1) {
      node.invalidate([`key-${index}`]);
      network.run(11);
    }
    node.reserve(['held']);
    node.invalidate(['above']);
    network.run(1_000);
    for (let low = 1; low <= 200; low += 1) {
      node.hearOf({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[low, low]] });
    }
    const reps = network.sentOf('rep');
    expect(reps).to.have.lengthOf(20);
    expect(reps.at(-1)).to.deep.include({ range: [1, 200], selection: { all: true } });
    network.run(1_000);
    node.hearOf({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[50, 50]] });
    expect(network.sentOf('rep')).to.have.lengthOf(21);
  });

  it('NACK-3 a repair never covers a number that is still to come', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    node.invalidate(['a']);
    node.reserve(['held']);
    node.invalidate(['c']);
    network.run(500);
    node.hearOf({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[1, 3]] });
    expect(network.sentOf('rep').map(({ range, held }) => [range, held])).to.deep.equal([
      [[1, 1], 2],
      [[3, 3], 2],
    ]);
  });

  it('NACK-3 a repair fits a frame, however long the names are', () => {
    const network = new CoreNetwork({ maxFrameBytes: 2_048 });
    const node = settledNode(network);
    for (let index = 0; index < 60; index += 1) {
      node.invalidate([`${index}`.padEnd(120, 'é')]);
      network.run(11);
    }
    node.hearOf({ type: 'nack', origin: PEER, publisher: node.origin, ranges: [[1, 60]] });
    expect(network.sentOf('rep').length).to.be.above(5);
    for (const { frame } of network.sent) expect(frame.length).to.be.at.most(2_048);
  });

  it('NACK-4 fences after 6 requests without an answer, in less than 20 s, and goes on', () => {
    const network = new CoreNetwork({ maxStalenessMs: 60_000 });
    const node = settledNode(network);
    node.hearOf(invOf(PEER, 3));
    const startMs = network.nowMs;
    network.until(() => node.effects('fence').length > 0, 20_000);
    expect(network.sentOf('nack')).to.have.lengthOf(6);
    expect(network.nowMs - startMs).to.be.above(8_000);
    expect(node.core.members.get(PEER)?.sequence.contig).to.equal(3);
    expect(node.reports('gap-closed')).to.deep.equal([
      { type: 'gap-closed', origin: PEER, by: 'fence' },
    ]);
    network.run(60_000);
    expect(network.sentOf('nack')).to.have.lengthOf(6);
  });

  it('NACK-4 many who wait for one that is gone give up together, not one after the other', () => {
    const network = new CoreNetwork({ maxStalenessMs: 60_000 });
    const nodes = network.cluster(...Array.from({ length: 20 }, (_, index) => `n${index}`));
    for (const node of nodes) node.hearOf(invOf(PEER, 3));
    network.run(25_000);
    for (const node of nodes) expect(node.effects('fence')).to.have.lengthOf(1);
    expect(network.sentOf('nack').length).to.be.below(6 * 5);
  });

  it('NACK-4 does not count down while its own bus is away', () => {
    const network = new CoreNetwork({ maxStalenessMs: 60_000 });
    const node = settledNode(network);
    node.hearOf(invOf(PEER, 3));
    node.cut();
    network.run(100_000);
    expect(node.effects('fence')).to.deep.equal([]);
    node.attach();
    network.run(400);
    expect(network.sentOf('nack')).to.have.lengthOf(1);
  });

  it('repairs the classic case by name: a node that was cut off for 2 s while 100 keys changed', () => {
    const network = new CoreNetwork();
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    reader.cut();
    for (let index = 0; index < 100; index += 1) {
      writer.invalidate([`key-${index}`]);
      network.run(20);
    }
    expect(reader.dropped('key-50')).to.equal(false);
    reader.attach('discontinuity');
    network.run(1_000);
    for (let index = 0; index < 100; index += 1)
      expect(reader.dropped(`key-${index}`), `key-${index}`).to.equal(true);
    expect(reader.effects('fence'), 'no flush').to.deep.equal([]);
  });

  it('repairs by flushing the regions concerned, and no other, what the ring has folded', () => {
    const network = new CoreNetwork({ repairBatches: 16 });
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    reader.cut();
    for (let index = 0; index < 100; index += 1) {
      writer.invalidate([`key-${index}`]);
      network.run(20);
    }
    reader.attach('discontinuity');
    network.run(1_000);
    for (let index = 0; index < 100; index += 1)
      expect(reader.dropped(`key-${index}`)).to.equal(true);
    for (const { selection } of reader.effects('apply')) expect(selection.all).to.equal(undefined);
    expect(
      reader.effects('apply').some(({ selection }) => selection.regions?.includes('things')),
    ).to.equal(true);
  });

  it('hears of a lost last message by the beats that follow it', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    network.lose = ({ message }) => message.type === 'inv';
    writer.invalidate(['last']);
    network.run(1_000);
    expect(reader.dropped('last')).to.equal(true);
    expect(beatOf(PEER).type).to.equal('beat');
  });
});
