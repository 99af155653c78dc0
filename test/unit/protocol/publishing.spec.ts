import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';

function pairOf(network: CoreNetwork): [CoreNode, CoreNode] {
  const [writer, reader] = network.cluster('writer', 'reader');
  if (writer === undefined || reader === undefined) throw new Error('no nodes');
  return [writer, reader];
}

describe('publishing', () => {
  it('PUB-1 applies here before anything is sent, and does not wait for its own echo', () => {
    const network = new CoreNetwork();
    const node = network.add('a', { expectedNodes: 1 });
    node.forgetHistory();
    const effects = node.core.step(
      { type: 'invalidate', call: 1, selection: { keys: { things: ['x'] } }, wait: { for: 'bus' } },
      node.now,
    );
    const types = effects.map(({ type }) => type);
    expect(types.indexOf('apply')).to.be.at.least(0);
    expect(types.indexOf('apply')).to.be.below(types.indexOf('send'));
  });

  it('PUB-2 whatever was published before a beat has a number that the beat announces', () => {
    const network = new CoreNetwork({ seed: 3 });
    const node = network.add('a', { expectedNodes: 1 });
    for (let round = 0; round < 200; round += 1) {
      node.invalidate([`key-${round}`]);
      network.run(network.random.between(0, 60));
    }
    let published = 0;
    for (const { message } of network.sent) {
      if (message.type === 'inv') published = Math.max(published, message.seq);
      if (message.type === 'beat') expect(message.seq).to.be.at.least(published);
    }
    expect(published).to.be.above(10);
  });

  it('PUB-2 a name that waits is never told under a number later than one that a beat has announced', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    // Nothing is confirmed, so that everything after the first frame gathers.
    network.confirms = false;
    writer.invalidate(['first']);
    writer.invalidate(['early']);
    const announced = writer.core.publisher.seq;
    // Many more collapse the region: its flush must take the place of `early`, not follow it.
    writer.invalidateAll({
      keys: { things: Array.from({ length: LIMITS.pendingKeys + 10 }, (_, index) => `k${index}`) },
    });
    reader.forgetHistory();
    network.run(50);
    network.confirms = true;
    writer.cut();
    writer.attach();
    network.until(
      () => (reader.core.members.get(writer.origin)?.sequence.contig ?? 0) >= announced,
      10_000,
    );
    expect(reader.dropped('early')).to.equal(true);
  });

  it('PUB-3 sends again, in order, under the same number and with the same bytes, what was not confirmed', () => {
    const network = new CoreNetwork();
    const [writer] = pairOf(network);
    network.confirms = false;
    for (let index = 0; index < 5; index += 1) writer.invalidate([`key-${index}`]);
    network.run(1);
    const first = network.sent
      .filter(({ message }) => message.type === 'inv')
      .map(({ frame }) => frame);
    expect(first).to.have.lengthOf(1);
    const sent = writer.effects('send').find(({ frame }) => frame === first[0]);
    writer.settle(sent?.id ?? 0, 'unconfirmed');
    network.confirms = true;
    network.run(1_000);
    const all = network.sent.filter(({ message }) => message.type === 'inv');
    expect(all[1]?.frame).to.equal(first[0]);
    const numbers = all.slice(1).map(({ message }) => (message.type === 'inv' ? message.seq : 0));
    expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
  });

  it('PUB-3 waits longer after every failure, and sends at once when the bus is back', () => {
    const network = new CoreNetwork();
    const node = network.add('a', { expectedNodes: 1 });
    network.run(1_000);
    network.confirms = false;
    node.invalidate(['x']);
    const waits: number[] = [];
    for (let failure = 0; failure < 9; failure += 1) {
      const last = node.effects('send').findLast(({ summary }) => summary !== undefined);
      const atMs = network.nowMs;
      const count = network.sentOf('inv').length;
      node.settle(last?.id ?? 0, 'unconfirmed');
      network.until(() => network.sentOf('inv').length > count, 10_000);
      waits.push(Math.round(network.nowMs - atMs));
    }
    expect(waits).to.deep.equal([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    const last = node.effects('send').findLast(({ summary }) => summary !== undefined);
    node.settle(last?.id ?? 0, 'unconfirmed');
    const count = network.sentOf('inv').length;
    node.cut();
    node.attach();
    expect(network.sentOf('inv').length).to.equal(count + 1);
  });

  it('PUB-4 settles at once as applied here while the bus is away, sends it when the bus is back, and loses no key', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    writer.cut();
    const calls = Array.from({ length: 100 }, (_, index) => writer.invalidate([`key-${index}`]));
    for (const { result } of calls)
      expect(result).to.deep.equal({ by: 'local', acked: [], missing: [] });
    expect(writer.dropped('key-99')).to.equal(true);
    network.run(13_000);
    expect(reader.dropped('key-0')).to.equal(false);
    writer.attach();
    network.run(100);
    for (let index = 0; index < 100; index += 1)
      expect(reader.dropped(`key-${index}`), `key-${index}`).to.equal(true);
    expect(reader.effects('fence'), 'by name, not by flushing').to.deep.equal([]);
  });

  it('PUB-4 calls that the bus was about to accept learn at once that it is gone', () => {
    const network = new CoreNetwork();
    const [writer] = pairOf(network);
    network.confirms = false;
    const call = writer.invalidate(['x']);
    expect(call.result).to.equal(undefined);
    writer.cut();
    expect(call.result?.by).to.equal('local');
  });

  it('PUB-4 a call whose frame was not confirmed learns at once that it is applied here only', () => {
    const network = new CoreNetwork();
    const [writer] = pairOf(network);
    network.confirms = false;
    const call = writer.invalidate(['x']);
    const sent = writer.effects('send').find(({ summary }) => summary === 'x');
    writer.settle(sent?.id ?? 0, 'unconfirmed');
    expect(call.result?.by).to.equal('local');
  });

  it('PUB-4 leaves a frame that the broker refuses for good to repair, and does not let it stand in the way', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    network.confirms = false;
    network.lose = ({ message }) => message.type === 'inv' && message.seq === 1;
    writer.invalidate(['refused']);
    for (let offer = 0; offer < 5; offer += 1) {
      const last = writer.effects('send').findLast(({ summary }) => summary === 'refused');
      writer.settle(last?.id ?? 0, 'rejected');
      network.run(6_000);
    }
    expect(network.sentOf('inv').filter(({ seq }) => seq === 1)).to.have.lengthOf(5);
    expect(writer.core.publisher.unsent).to.equal(0);
    network.run(10_000);
    expect(reader.dropped('refused')).to.equal(true);
  });

  it('PUB-5 thin beats follow the last publication after 200 ms and 1 s, unless a newer one went out', () => {
    const network = new CoreNetwork({ maxStalenessMs: 300_000, expectedNodes: 1 });
    const node = network.add('a');
    network.run(200_000);
    network.sent.length = 0;
    const startMs = network.nowMs;
    node.invalidate(['x']);
    network.run(150);
    node.invalidate(['y']);
    network.run(3_000);
    const tails = network.sent.filter(
      ({ message }) => message.type === 'beat' && message.digest === undefined,
    );
    expect(tails.map(({ atMs }) => Math.round(atMs - startMs))).to.deep.equal([350, 1_150]);
    for (const { message } of tails) expect(message).to.deep.include({ type: 'beat', seq: 2 });
  });

  it('PUB-6 goes on under another origin before its numbers end, and says bye for the old one once the new one is required', () => {
    const network = new CoreNetwork();
    const last = Number.MAX_SAFE_INTEGER - LIMITS.sequenceJump - 2;
    const writer = network.add('writer', { expectedNodes: 2, firstSeq: last });
    const reader = network.add('reader', { expectedNodes: 2 });
    network.until(() => writer.core.members.ready && reader.core.members.ready, 60_000);
    const former = writer.origin;
    for (let index = 0; index < 4; index += 1) {
      writer.invalidate([`key-${index}`]);
      network.run(20);
    }
    expect(writer.origin).to.not.equal(former);
    network.run(60_000);
    for (let index = 0; index < 4; index += 1)
      expect(reader.dropped(`key-${index}`)).to.equal(true);
    expect(network.sentOf('bye')).to.deep.equal([{ type: 'bye', origin: former, seq: last + 2 }]);
    expect(reader.core.members.get(former)).to.equal(undefined);
    expect(writer.core.members.get(former), 'it does not wait for itself').to.equal(undefined);
    expect(reader.proofAgeMs()).to.be.below(3_000);
    for (const { seq } of network.sentOf('inv')) expect(Number.isSafeInteger(seq)).to.equal(true);
  });

  it('PUB-7 a guarded write reserves its number before it starts: nobody can prove anything past it until it has ended', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const startMs = network.nowMs;
    const write = writer.reserve(['x']);
    expect(writer.effects('quarantine'), 'not served here meanwhile').to.have.lengthOf(1);
    network.run(2_500);
    expect(reader.now.localMs - reader.proofAgeMs()).to.be.at.most(startMs);
    expect(reader.dropped('x')).to.equal(false);
    write.release();
    network.run(100);
    expect(reader.dropped('x')).to.equal(true);
    expect(writer.effects('lift')).to.have.lengthOf(1);
    network.run(1_500);
    expect(reader.now.localMs - reader.proofAgeMs()).to.be.above(startMs);
  });

  it('PUB-7 a writer that dies between commit and publication never leaves a proof behind', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const startMs = network.nowMs;
    writer.reserve(['x']);
    network.run(700);
    writer.kill();
    const { forgetAfterMs } = reader.settings;
    while (network.nowMs < startMs + forgetAfterMs - 1_000) {
      network.run(500);
      expect(reader.now.localMs - reader.proofAgeMs()).to.be.at.most(startMs);
    }
    network.run(5_000);
    expect(reader.reports('member-left')).to.have.lengthOf(1);
    expect(reader.dropped('anything'), 'fenced when it is forgotten').to.equal(true);
  });

  it('PUB-7 an abort that is proven publishes an empty batch under the reserved number', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    writer.reserve(['x']).release([]);
    network.run(1_500);
    expect(network.sentOf('inv')).to.have.lengthOf(1);
    expect(reader.dropped('x')).to.equal(false);
    expect(reader.proofAgeMs()).to.be.below(2_000);
  });

  it('PUB-7 raises an alarm for a write that takes long, and keeps holding', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const startMs = network.nowMs;
    const write = writer.reserve(['x']);
    network.run(10_000);
    expect(writer.reports('guard-slow')).to.have.lengthOf(1);
    expect(writer.core.publisher.held).to.equal(1);
    expect(reader.now.localMs - reader.proofAgeMs()).to.be.at.most(startMs);
    write.release();
    network.run(2_000);
    expect(reader.proofAgeMs()).to.be.below(2_000);
  });

  it('PUB-7 where it was told to, publishes a slow write ahead of its end, and once more at its end', () => {
    const network = new CoreNetwork({ onGuardTimeout: 'release' });
    const [writer, reader] = pairOf(network);
    const write = writer.reserve(['x']);
    network.run(1_100);
    expect(reader.dropped('x')).to.equal(true);
    reader.forgetHistory();
    write.release();
    network.run(100);
    expect(reader.dropped('x')).to.equal(true);
  });

  it('PUB-8 beats tell of reserved numbers and of the lowest one, and nobody asks for it', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    writer.invalidate(['a']);
    const write = writer.reserve(['x']);
    writer.invalidate(['b']);
    network.run(20_000);
    const beats = network.sent.filter(
      ({ from, message }) => from === writer && message.type === 'beat',
    );
    for (const { message } of beats) expect(message).to.deep.include({ seq: 3, held: 2 });
    expect(network.sentOf('nack')).to.deep.equal([]);
    expect(reader.core.members.get(writer.origin)?.sequence.contig).to.equal(1);
    expect(reader.dropped('b'), 'what came after it is applied all the same').to.equal(true);
    write.release();
    network.run(50);
    expect(reader.core.members.get(writer.origin)?.sequence.contig).to.equal(3);
  });

  it('PUB-8 a held number that is lost in the end is asked for, although a gap below it was fenced meanwhile', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    network.lose = ({ to, message }) =>
      to === reader && (message.type === 'rep' || (message.type === 'inv' && message.seq < 3));
    writer.invalidate(['lost']);
    network.run(10);
    const write = writer.reserve(['x']);
    network.run(10);
    writer.invalidate(['c']);
    // Number 1 is asked for in vain and fenced.
    network.run(40_000);
    expect(reader.effects('fence')).to.have.lengthOf(1);
    expect(reader.core.members.get(writer.origin)?.sequence.contig).to.equal(1);
    reader.forgetHistory();
    write.release();
    network.run(500);
    network.lose = () => false;
    expect(reader.dropped('x')).to.equal(false);
    network.run(10_000);
    expect(reader.dropped('x')).to.equal(true);
  });
});
