import { expect } from 'chai';
import { shardsIn } from '../../../src/protocol/shard-feature.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { beatOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';

/** A settled node that is alone on its channel, and one of `shards` of its process. */
function oneOf(network: CoreNetwork, shards: number): CoreNode {
  const node = network.add('me', { expectedNodes: 1, shards });
  network.run(1_000);
  network.sent.length = 0;
  node.forgetHistory();
  return node;
}

/** A peer that beats fully and echoes what it has heard of `node`; `features` as it tells them. */
function beatsOf(node: CoreNode, beat: number, features: readonly string[]): void {
  const echoed = node.core.counters.beatsSent;
  node.hearOf(beatOf(PEER, { beat, features, digest: { [node.origin]: { beat: echoed } } }));
}

describe('the channels of regions, at the protocol', () => {
  it('VER-3 tells in how many ways it divides the regions in full beats, first of its features; one says nothing', () => {
    const network = new CoreNetwork({ features: ['stale'] });
    network.add('one', { expectedNodes: 1 });
    network.add('several', { expectedNodes: 1, shards: 4 });
    network.run(5_000);
    const full = network.sentOf('beat').filter(({ digest }) => digest !== undefined);
    const told = new Map(full.map(({ origin, features }) => [origin.split('/')[0], features]));
    expect(Object.fromEntries(told)).to.deep.equal({
      one: ['stale'],
      several: ['shards=4', 'stale'],
    });
  });

  for (const [features, shards] of [
    [[], 1],
    [['stale'], 1],
    [['stale', 'shards=64'], 64],
    [['shards=0'], 0],
    [['shards='], 0],
    [['shards=two'], 0],
    [['shards=99999'], 0],
    [['shards=2', 'shards=3'], 0],
  ] as const) {
    it(`VER-3 takes [${features.join(' ')}] for ${shards === 0 ? 'the number of nobody' : shards}`, () => {
      expect(shardsIn(features)).to.equal(shards);
    });
  }

  for (const [ours, theirs, features] of [
    [1, 2, ['shards=2']],
    [2, 1, []],
    [2, 3, ['shards=3']],
    [2, 0, ['shards=?']],
  ] as const) {
    it(`VER-3 with ${ours}: a peer with ${theirs} is required, never proven, and reported once, until it is gone`, () => {
      const network = new CoreNetwork({ forgetAfterMs: 20_000 });
      const node = oneOf(network, ours);
      node.step({ type: 'elsewhere', provenAtMs: Number.POSITIVE_INFINITY });
      expect(node.proofAgeMs()).to.be.below(3_000);
      for (let beat = 1; beat <= 10; beat += 1) {
        beatsOf(node, beat, features);
        network.run(500);
      }
      expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
      expect(node.reports('shards-differ')).to.deep.equal([
        { type: 'shards-differ', origin: PEER, theirs, ours },
      ]);
      network.run(30_000);
      expect(node.reports('member-left')).to.have.lengthOf(1);
      expect(node.proofAgeMs()).to.be.below(3_000);
    });
  }

  it('VER-3 a thin beat says nothing of it, and takes nothing back', () => {
    const network = new CoreNetwork();
    const node = oneOf(network, 2);
    node.step({ type: 'elsewhere', provenAtMs: Number.POSITIVE_INFINITY });
    node.hearOf(beatOf(PEER, { beat: 1 }));
    expect(node.core.members.get(PEER)?.shards).to.equal(undefined);
    expect(node.proofAgeMs(), 'of a peer that has not told').to.equal(Number.POSITIVE_INFINITY);
    for (let beat = 2; beat < 8; beat += 2) {
      beatsOf(node, beat, ['shards=2']);
      node.hearOf(beatOf(PEER, { beat: beat + 1 }));
      network.run(1_000);
    }
    expect(node.core.members.get(PEER)?.shards).to.equal(2);
    expect(node.proofAgeMs()).to.be.below(3_000);
    expect(node.reports('shards-differ')).to.deep.equal([]);
  });

  it('VER-3 whoever changes its word is believed neither time', () => {
    const network = new CoreNetwork();
    const node = oneOf(network, 1);
    beatsOf(node, 1, ['shards=2']);
    beatsOf(node, 2, []);
    network.run(1_000);
    beatsOf(node, 3, []);
    expect(node.core.members.get(PEER)?.shards).to.equal(0);
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
  });

  for (const [what, features] of [
    ['that divided the regions in another way', ['shards=3']],
    ['that had not told how it divides them', undefined],
  ] as const) {
    it(`VER-3 the bye of a peer ${what} is a fence: it may have published where nobody listened`, () => {
      const network = new CoreNetwork();
      const node = oneOf(network, 2);
      if (features === undefined) node.hearOf(beatOf(PEER));
      else beatsOf(node, 1, features);
      node.forgetHistory();
      node.hearOf({ type: 'bye', origin: PEER, seq: 0 });
      expect(node.core.members.get(PEER)).to.equal(undefined);
      expect(node.effects('fence')).to.deep.equal([
        { type: 'fence', regions: 'all', cause: { by: 'loss', origin: PEER } },
      ]);
    });
  }

  it('VER-3 the bye of a peer that divides them as this node does drops nothing', () => {
    const network = new CoreNetwork();
    const node = oneOf(network, 2);
    beatsOf(node, 1, ['shards=2']);
    node.hearOf({ type: 'bye', origin: PEER, seq: 0 });
    expect(node.effects('fence')).to.deep.equal([]);
  });

  it('VER-3 proves nothing beyond what the other channels of the node allow, and nothing before they have told', () => {
    const network = new CoreNetwork();
    const node = oneOf(network, 2);
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    const provenAtMs = node.now.localMs - 500;
    node.step({ type: 'elsewhere', provenAtMs });
    network.run(2_000);
    expect(node.proofAgeMs()).to.equal(2_500);
    node.step({ type: 'elsewhere', provenAtMs: Number.NEGATIVE_INFINITY });
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
  });

  it('VER-3 tells the other channels what is proven here of everybody, whatever they say themselves', () => {
    const network = new CoreNetwork();
    const node = oneOf(network, 2);
    network.run(2_000);
    const alone = node.effects('shard').at(-1);
    expect(alone?.alike).to.equal(true);
    expect(node.now.localMs - (alone?.provenAtMs ?? 0)).to.be.below(1_000);
    node.hearOf(beatOf(PEER));
    expect(node.effects('shard').at(-1)).to.deep.equal({
      type: 'shard',
      provenAtMs: Number.NEGATIVE_INFINITY,
      alike: true,
    });
    beatsOf(node, 2, ['shards=3']);
    expect(node.effects('shard').at(-1)?.alike).to.equal(false);
  });

  it('VER-3 waits for the bound where all are to acknowledge and the other channels may have somebody who is unknown here', () => {
    const network = new CoreNetwork();
    const nodes = ['writer', 'reader'].map((label) =>
      network.add(label, { expectedNodes: 2, shards: 2 }),
    );
    const allow = (provenAtMs: number): void => {
      for (const node of nodes) node.step({ type: 'elsewhere', provenAtMs });
    };
    network.until(() => nodes.every(({ core }) => core.members.ready), 10_000);
    const [writer] = nodes;
    const unknown = writer?.invalidate(['a'], { for: 'all' });
    network.run(1_000);
    expect(unknown?.result).to.equal(undefined);
    network.run(3_000);
    expect(unknown?.result?.by).to.equal('lease');
    allow(Number.POSITIVE_INFINITY);
    const known = writer?.invalidate(['b'], { for: 'all' });
    network.run(1_000);
    expect(known?.result?.by).to.equal('acks');
  });

  it('VER-3 leaves without a bye while the process may publish on another channel', () => {
    const byes = [true, false].map((silent) => {
      const network = new CoreNetwork();
      oneOf(network, 2).step({ type: 'leave', silent });
      return network.sentOf('bye').length;
    });
    expect(byes).to.deep.equal([0, 1]);
  });
});
