import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import type { Peer } from '../../../src/protocol/peer.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { beatOf, invOf, repOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';

/** A settled node that has heard nobody yet. */
function settledNode(network: CoreNetwork = new CoreNetwork()): CoreNode {
  const node = network.add('me', { expectedNodes: 1 });
  node.forgetHistory();
  return node;
}

function peerOf(node: CoreNode, origin = PEER): Peer {
  const peer = node.core.members.get(origin);
  if (peer === undefined) throw new Error('it is not known');
  return peer;
}

describe('receiving', () => {
  it('RX-1 applies an unseen number at once, also one that leaves a hole', () => {
    const node = settledNode();
    node.hearOf(invOf(PEER, 1, ['a']));
    node.hearOf(invOf(PEER, 9, ['i']));
    expect(node.dropped('i')).to.equal(true);
    expect(peerOf(node).sequence.contig).to.equal(1);
    expect(peerOf(node).sequence.missing(5)).to.deep.equal([[2, 8]]);
  });

  it('RX-2 ignores what it has heard, in order or out of it, and counts it as heard', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    for (const seq of [1, 2, 5]) node.hearOf(invOf(PEER, seq));
    node.forgetHistory();
    network.run(1_000);
    for (const seq of [1, 2, 5]) node.hearOf(invOf(PEER, seq));
    node.hearOf(repOf(PEER, [1, 2], ['key-1', 'key-2'], { seq: 5 }));
    expect(node.effects('apply')).to.deep.equal([]);
    expect(node.core.counters.duplicates).to.equal(4);
    expect(peerOf(node).aliveAtMs).to.equal(node.now.monoMs);
  });

  it('RX-3 keeps a bounded number of holes, whatever is heard', () => {
    const node = settledNode();
    for (let seq = 2; seq < 2_000; seq += 2) node.hearOf(invOf(PEER, seq));
    expect(peerOf(node).sequence.ranges).to.have.lengthOf(LIMITS.outOfOrderRanges);
  });

  for (const [what, tell] of [
    [
      'its own beat',
      (node: CoreNode) => {
        node.hearOf(beatOf(PEER, { seq: 4, beat: 2 }));
      },
    ],
    [
      'a later batch',
      (node: CoreNode) => {
        node.hearOf(invOf(PEER, 5));
      },
    ],
    [
      'a repair',
      (node: CoreNode) => {
        node.hearOf(repOf(PEER, [1, 1], [], { seq: 4 }));
      },
    ],
    [
      'what somebody else has heard of it',
      (node: CoreNode) => {
        node.hearOf(beatOf('other/0123456789abc', { digest: { [PEER]: { contig: 4, beat: 1 } } }));
      },
    ],
    [
      'what somebody else knows to be missing',
      (node: CoreNode) => {
        node.hearOf(
          beatOf('other/0123456789abc', { digest: { [PEER]: { contig: 1, beat: 1, max: 4 } } }),
        );
      },
    ],
    [
      'its bye',
      (node: CoreNode) => {
        node.hearOf({ type: 'bye', origin: PEER, seq: 4 });
      },
    ],
  ] as const) {
    it(`RX-4 learns of missing numbers from ${what}`, () => {
      const node = settledNode();
      node.hearOf(invOf(PEER, 1));
      tell(node);
      expect(peerOf(node).sequence.missing(5)[0]).to.deep.equal([2, 4]);
    });
  }

  for (const [what, message] of [
    ['a beat', beatOf(PEER, { seq: 9, held: 5, beat: 2 })],
    ['a batch', invOf(PEER, 9, ['x'], { held: 5 })],
    ['a repair', repOf(PEER, [1, 1], [], { seq: 9, held: 5 })],
  ] as const) {
    it(`RX-4 learns from ${what} no more than what is not held back`, () => {
      const node = settledNode();
      node.hearOf(invOf(PEER, 1));
      node.hearOf(message);
      expect(peerOf(node).sequence.missing(5)).to.deep.equal([[2, 4]]);
    });
  }

  it('RX-4 a late message with an older view of what is held does not bring back what was known', () => {
    const node = settledNode();
    node.hearOf(invOf(PEER, 1));
    node.hearOf(beatOf(PEER, { seq: 9, held: 5, beat: 7 }));
    node.hearOf(beatOf(PEER, { seq: 3, beat: 2 }));
    expect(peerOf(node).sequence.published, 'numbers from 5 on are still to come').to.equal(4);
  });

  it('RX-5 asks for the history of somebody whom it meets for the first time', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    node.hearOf(beatOf(PEER, { seq: 30 }));
    network.run(400);
    expect(network.sentOf('nack')).to.deep.equal([
      { type: 'nack', origin: node.origin, publisher: PEER, ranges: [[1, 30]] },
    ]);
  });

  it('RX-5 a newborn fences instead, and asks for nothing that it never cached', () => {
    const network = new CoreNetwork();
    const node = network.add('newborn');
    node.forgetHistory();
    node.hearOf(beatOf(PEER, { seq: 30 }));
    network.run(1_000);
    expect(network.sentOf('nack')).to.deep.equal([]);
    expect(node.effects('fence')).to.have.lengthOf(1);
    expect(peerOf(node).sequence.contig).to.equal(30);
  });

  for (const [what, message] of [
    ['a batch', invOf(PEER, 31, ['x'], { held: 7 })],
    ['a beat', beatOf(PEER, { seq: 31, held: 7 })],
    ['a repair', repOf(PEER, [31, 31], ['x'], { held: 7 })],
  ] as const) {
    it(`RX-5 a newborn never takes as heard what is held back, by ${what}`, () => {
      const node = new CoreNetwork().add('newborn');
      node.hearOf(message);
      expect(peerOf(node).sequence.contig).to.equal(6);
      expect(peerOf(node).sequence.has(7)).to.equal(false);
    });
  }

  it('RX-6 fences a jump that is too large to repair, and takes it as heard', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    node.hearOf(invOf(PEER, 1));
    node.hearOf(invOf(PEER, 2 + LIMITS.sequenceJump + 1, ['far']));
    expect(node.effects('fence')).to.have.lengthOf(1);
    expect(node.dropped('far')).to.equal(true);
    expect(peerOf(node).sequence.missingCount).to.equal(0);
    expect(node.core.counters.fenced).to.equal(1);
    network.run(1_000);
    expect(network.sentOf('nack')).to.deep.equal([]);
  });

  it('RX-6 repairs a jump that is not', () => {
    const node = settledNode();
    node.hearOf(invOf(PEER, 1));
    node.hearOf(invOf(PEER, LIMITS.sequenceJump, ['far']));
    expect(node.effects('fence')).to.have.lengthOf(0);
    expect(peerOf(node).sequence.missingCount).to.equal(LIMITS.sequenceJump - 2);
  });

  it('RX-6 counts a malformed frame by its reason, and is not shaken', () => {
    const node = settledNode();
    for (const frame of [
      '',
      '{',
      '[]',
      '{"v":1,"ns":"test","o":"a/1","t":"inv","s":-1}',
      'x'.repeat(70_000),
    ])
      node.hear(frame);
    expect(node.core.counters.framesRefused).to.deep.equal({
      'not-json': 2,
      'not-a-message': 1,
      malformed: 1,
      'too-large': 1,
    });
    expect(node.reports('frame-refused')).to.have.lengthOf(5);
  });

  it('does not hear clusters of another name', () => {
    const node = settledNode();
    node.hear('{"v":1,"ns":"other","o":"a/1","t":"inv","s":1,"f":1}');
    expect(node.effects('apply')).to.deep.equal([]);
    expect(node.core.members.size).to.equal(0);
  });
});
