import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import { beatOf, invOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';
const OTHER = 'other/0123456789abc';

describe('beats and proof', () => {
  it('BEAT-1 beats every 0.5 to 1.5 H, at first at once and with a request for beats', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000, expectedNodes: 1 });
    network.add('me');
    network.run(600_000);
    const times = network.sent
      .filter(({ message }) => message.type === 'beat')
      .map(({ atMs }) => atMs);
    expect(times[0]).to.equal(0);
    expect(network.sentOf('beat')[0]?.joining).to.equal(true);
    const waits = times.slice(5).map((atMs, index) => atMs - (times[index + 4] ?? 0));
    expect(Math.min(...waits)).to.be.within(2_500, 3_000);
    expect(Math.max(...waits)).to.be.within(7_000, 7_500);
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(mean).to.be.within(4_500, 5_500);
  });

  it('BEAT-1 brings its next beat forward when somebody asks, spread over 50 ms for each node', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const nodes = network.cluster('a', 'b', 'c', 'd', 'e');
    nodes[0]?.attach('discontinuity');
    network.run(5 * 50 + 20);
    const answers = network.sent.filter(
      ({ message, from }) => message.type === 'beat' && from !== nodes[0],
    );
    expect(new Set(answers.map(({ from }) => from)).size).to.equal(4);
    expect(new Set(answers.map(({ atMs }) => atMs)).size, 'not all at once').to.equal(4);
  });

  it('BEAT-1 answers a storm of requests with a bounded number of beats', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000, expectedNodes: 1 });
    const node = network.add('me');
    network.run(20_000);
    network.sent.length = 0;
    for (let round = 1; round <= 1_000; round += 1) {
      node.hearOf(beatOf(PEER, { beat: round, joining: true, digest: {} }));
      network.run(10);
    }
    expect(network.sentOf('beat').length).to.be.below(10_000 / 100 + 5);
  });

  it('BEAT-2 lists what it has heard of each peer: numbers, newest beat, and an age only if it is old', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000, expectedNodes: 1 });
    const node = network.add('me');
    node.hearOf(invOf(PEER, 1));
    node.hearOf(beatOf(PEER, { seq: 3, beat: 44, digest: {} }));
    node.attach();
    expect(network.sentOf('beat').at(-1)?.digest?.get(PEER)).to.deep.equal({
      contig: 1,
      beat: 44,
      ageMs: 0,
      max: 3,
    });
    network.run(30_000);
    node.attach();
    expect(network.sentOf('beat').at(-1)?.digest?.get(PEER)?.ageMs).to.be.within(29_000, 31_000);
  });

  it('BEAT-3 a beat that lists my beat proves everything up to the moment at which I sent that one', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    network.run(10_000);
    const mine = network.sent.findLast(({ message }) => message.type === 'beat');
    if (mine?.message.type !== 'beat') throw new Error('no beat');
    node.hearOf(invOf(PEER, 1));
    network.run(300);
    node.hearOf(
      beatOf(PEER, { seq: 1, beat: 5, digest: { [node.origin]: { beat: mine.message.beat } } }),
    );
    expect(node.now.localMs - node.proofAgeMs()).to.equal(mine.atMs);
  });

  it('BEAT-3 it counts only once everything that the beat speaks of was heard', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    network.run(1_000);
    const mine = network.sentOf('beat').at(-1)?.beat ?? 0;
    node.hearOf(beatOf(PEER, { seq: 2, beat: 5, digest: { [node.origin]: { beat: mine } } }));
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    node.hearOf(invOf(PEER, 1));
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    node.hearOf(invOf(PEER, 2));
    expect(node.proofAgeMs()).to.be.below(2_000);
  });

  it('BEAT-3 proof advances under a steady stream, in which the newest echo is never complete', () => {
    const network = new CoreNetwork();
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    // Batches take longer than beats, so that every beat speaks of numbers that are still on their way.
    network.lose = ({ message }) => (message.type === 'inv' ? 300 : false);
    let worst = 0;
    for (let round = 0; round < 500; round += 1) {
      writer.invalidate([`key-${round}`]);
      network.run(50);
      if (round > 60) worst = Math.max(worst, reader.proofAgeMs());
    }
    expect(worst).to.be.below(3_000);
  });

  it('BEAT-3 a peer that lists its members part by part proves nothing before it has told all of them', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    network.run(1_000);
    const mine = network.sentOf('beat').at(-1)?.beat ?? 0;
    node.hearOf(
      beatOf(PEER, {
        beat: 5,
        digest: { [node.origin]: { beat: mine } },
        part: ['a/0', node.origin],
      }),
    );
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    // The rest of the list names somebody who was not known: his proof is required, too.
    node.hearOf(
      beatOf(PEER, { beat: 6, digest: { [OTHER]: { beat: 3 } }, part: [node.origin, 'a/0'] }),
    );
    expect(node.core.members.get(PEER)?.provenAtMs).to.be.above(0);
    expect(node.proofAgeMs(), 'of the other').to.equal(Number.POSITIVE_INFINITY);
  });

  it('BEAT-4 an echo of a beat that it does not remember proves nothing, and neither does any time of arrival', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    for (let round = 0; round < 100; round += 1) {
      node.attach('discontinuity');
      network.run(50);
    }
    expect(network.sentOf('beat').length).to.be.above(LIMITS.rememberedBeats);
    node.hearOf(beatOf(PEER, { beat: 1, digest: { [node.origin]: { beat: 1 } } }));
    node.hearOf(beatOf(PEER, { beat: 2, digest: { [node.origin]: { beat: 0 } } }));
    node.hearOf(beatOf(PEER, { beat: 3, digest: { [OTHER]: { beat: 9 } } }));
    node.hearOf(beatOf(PEER, { beat: 4 }));
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('BEAT-4 a repeated beat proves nothing new', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    network.run(1_000);
    const old = beatOf(PEER, {
      beat: 5,
      digest: { [node.origin]: { beat: network.sentOf('beat').at(-1)?.beat ?? 0 } },
    });
    node.hearOf(old);
    const proof = node.now.localMs - node.proofAgeMs();
    network.run(1_000);
    for (let round = 0; round < 10; round += 1) node.hearOf(old);
    expect(node.now.localMs - node.proofAgeMs()).to.equal(proof);
  });

  it('BEAT-5 the proof of a region is that of the worst of those who may publish to it', () => {
    const network = new CoreNetwork({ expectedNodes: 1 });
    const node = network.add('me');
    network.run(1_000);
    const mine = network.sentOf('beat').at(-1)?.beat ?? 0;
    expect(node.proofAgeMs(), 'with nobody else it is now').to.be.below(1_000);
    node.hearOf(beatOf(PEER, { beat: 5, digest: { [node.origin]: { beat: mine } } }));
    const proven = node.proofAgeMs();
    expect(proven).to.be.below(2_000);
    node.hearOf(beatOf(OTHER, { beat: 5, digest: {}, regions: ['elsewhere'] }));
    expect(node.proofAgeMs(), 'it publishes elsewhere').to.equal(proven);
    node.hearOf(beatOf(OTHER, { beat: 6, digest: {}, regions: ['things'] }));
    expect(node.proofAgeMs(), 'it has changed its word').to.equal(Number.POSITIVE_INFINITY);
  });

  it('BEAT-5 there is no proof while nobody knows whom to require, and none beyond the moment at which the bus went away', () => {
    const network = new CoreNetwork();
    const newborn = network.add('newborn');
    expect(newborn.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    const lone = network.add('lone', { expectedNodes: 1 });
    newborn.kill();
    network.run(200_000);
    expect(lone.proofAgeMs()).to.be.below(1_000);
    lone.cut();
    network.run(500);
    expect(lone.proofAgeMs()).to.equal(500);
    lone.attach();
    expect(lone.proofAgeMs()).to.be.below(1_000);
  });

  it('BEAT-8 asks a peer whose proof grows old for its beat, at most once per interval, and only that one answers', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [one, two, three] = network.cluster('one', 'two', 'three');
    if (one === undefined || two === undefined || three === undefined) throw new Error('no nodes');
    // Two is heard, but its full beats get lost on the way to one.
    network.lose = ({ from, to, message }) =>
      from === two && to === one && message.type === 'beat' && message.digest !== undefined;
    const startMs = network.nowMs;
    const asks = (): typeof network.sent =>
      network.sent.filter(({ message }) => message.type === 'beat' && message.joining);
    const keepAlive = setTicks(network, 1_000, () => two.invalidate(['x']));
    network.until(() => asks().length > 0, 40_000);
    expect(network.nowMs - startMs).to.be.above(0.7 * 30_000 - 15_000);
    expect(asks()[0]).to.deep.include({ from: one });
    expect(asks()[0]?.message).to.deep.include({ asked: two.origin });
    const askedMs = network.nowMs;
    network.run(150);
    const answers = network.sent.filter(
      ({ atMs, from, message }) =>
        atMs > askedMs && message.type === 'beat' && message.digest !== undefined && from !== one,
    );
    expect(answers.map(({ from }) => from)).to.deep.equal([two]);
    network.run(30_000);
    expect(asks().length).to.be.within(3, 9);
    keepAlive.stop();
  });

  it('BEAT-8 does not ask in vain for somebody who is gone', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [one, two, three] = network.cluster('one', 'two', 'three');
    three?.kill();
    network.run(100_000);
    const perSecond = network.sentOf('beat').length / 100;
    expect(perSecond).to.be.below(0.6 * 1.2);
    expect(one?.attached && two?.attached).to.equal(true);
  });
});

function setTicks(
  network: CoreNetwork,
  everyMs: number,
  run: () => void,
): { readonly stop: () => void } {
  let stopped = false;
  const tick = (): void => {
    if (stopped) return;
    run();
    network.at(network.nowMs + everyMs, tick);
  };
  network.at(network.nowMs + everyMs, tick);
  return {
    stop: () => {
      stopped = true;
    },
  };
}
