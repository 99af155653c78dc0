import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { beatOf, invOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';
const OTHER = 'other/0123456789abc';
const GHOST = 'ghost/0123456789abc';

function settledNode(network: CoreNetwork): CoreNode {
  const node = network.add('me', { expectedNodes: 1 });
  network.run(1_000);
  network.sent.length = 0;
  node.forgetHistory();
  return node;
}

describe('membership', () => {
  it('MEM-1 requires everybody whom it hears, and everybody whom somebody lists', () => {
    const node = settledNode(new CoreNetwork());
    node.hearOf(beatOf(PEER, { digest: { [OTHER]: { beat: 3 } } }));
    expect(
      [...node.core.members.all()].map(({ origin, direct }) => [origin, direct]),
    ).to.deep.equal([
      [PEER, true],
      [OTHER, false],
    ]);
  });

  it('MEM-1 hearsay carries its age: gossip does not keep a dead member alive', () => {
    const network = new CoreNetwork({ forgetAfterMs: 20_000 });
    const node = settledNode(network);
    let beat = 1;
    while (network.nowMs < 60_000) {
      node.hearOf(
        beatOf(PEER, {
          beat,
          digest: { [GHOST]: { beat: 7, ageMs: Math.max(0, network.nowMs - 1_000) } },
        }),
      );
      beat += 1;
      network.run(1_000);
    }
    expect(node.core.members.get(GHOST)).to.equal(undefined);
    expect(node.reports('member-left')).to.deep.equal([
      { type: 'member-left', origin: GHOST, why: 'silence' },
    ]);
  });

  it('MEM-1 hearsay brings a forgotten member back only with a newer beat than was known of it', () => {
    const network = new CoreNetwork({ forgetAfterMs: 20_000 });
    const node = settledNode(network);
    node.hearOf(beatOf(GHOST, { beat: 7, seq: 4, digest: {} }));
    node.hearOf(invOf(GHOST, 4));
    network.run(40_000);
    expect(node.core.members.get(GHOST)).to.equal(undefined);
    node.hearOf(beatOf(PEER, { digest: { [GHOST]: { contig: 4, beat: 7 } } }));
    expect(node.core.members.get(GHOST)).to.equal(undefined);
    node.hearOf(beatOf(PEER, { digest: { [GHOST]: { contig: 6, beat: 8 } } }));
    expect(
      node.core.members.get(GHOST)?.sequence.missing(5),
      'its numbers go on where they were',
    ).to.deep.equal([[5, 6]]);
  });

  it('MEM-2 a newborn has no proof, and its caches live by time, until a settled peer lists it', () => {
    const network = new CoreNetwork();
    network.cluster('a', 'b');
    const newborn = network.add('newborn');
    expect(newborn.core.members.settled).to.equal(false);
    expect(newborn.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    network.run(500);
    expect(newborn.reports('settled')).to.deep.equal([{ type: 'settled', by: 'peer' }]);
    expect(newborn.core.members.size, 'it requires whom the others require').to.equal(2);
  });

  it('MEM-2 two newborns do not settle each other', () => {
    const network = new CoreNetwork();
    const [one, two] = [network.add('one'), network.add('two')];
    network.run(100_000);
    expect(one?.core.members.settled || two?.core.members.settled).to.equal(false);
    network.run(25_000);
    expect(one?.reports('settled')).to.deep.equal([{ type: 'settled', by: 'time' }]);
  });

  it('MEM-2 settles once as many as are expected have listed it', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 3 });
    const me = { [node.origin]: { beat: 1 } };
    node.hearOf(beatOf(PEER, { settled: false, digest: { ...me, [OTHER]: { beat: 2 } } }));
    expect(node.core.members.settled, 'hearsay does not count').to.equal(false);
    node.hearOf(beatOf(OTHER, { settled: false, digest: {} }));
    expect(node.core.members.settled, 'who does not list me may be gone').to.equal(false);
    node.hearOf(beatOf(OTHER, { beat: 2, settled: false, digest: me }));
    expect(node.reports('settled')).to.deep.equal([{ type: 'settled', by: 'expected' }]);
  });

  it('MEM-2 counts two incarnations of one unique label once', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 3, uniqueLabel: true });
    const digest = { [node.origin]: { beat: 1 } };
    for (const origin of ['peer/0123456789abc', 'peer/3456789abcdef']) {
      node.hearOf(beatOf(origin, { settled: false, digest }));
    }
    expect(node.core.members.settled).to.equal(false);
    node.hearOf(beatOf(OTHER, { settled: false, digest }));
    expect(node.core.members.settled).to.equal(true);
  });

  it('MEM-2 counts D from when the bus was there, not from its birth', () => {
    const network = new CoreNetwork();
    const node = network.add('me', { attached: false });
    network.run(300_000);
    expect(node.core.members.settled).to.equal(false);
    node.attach('opened');
    network.run(119_000);
    expect(node.core.members.settled).to.equal(false);
    network.run(5_000);
    expect(node.core.members.settled).to.equal(true);
  });

  it('MEM-2 waits for the whole list of a peer that tells it in parts', () => {
    const node = new CoreNetwork().add('me');
    node.hearOf(
      beatOf(PEER, { beat: 1, digest: { [node.origin]: { beat: 1 } }, part: ['a/0', node.origin] }),
    );
    expect(node.core.members.settled).to.equal(false);
    node.hearOf(
      beatOf(PEER, { beat: 2, digest: { [OTHER]: { beat: 1 } }, part: [node.origin, 'a/0'] }),
    );
    expect(node.reports('settled')).to.deep.equal([{ type: 'settled', by: 'peer' }]);
    expect(node.core.members.get(OTHER)).to.not.equal(undefined);
  });

  it('MEM-2 drops what it loaded before it was settled', () => {
    const network = new CoreNetwork();
    network.cluster('a', 'b');
    const newborn = network.add('newborn');
    newborn.forgetHistory();
    network.until(() => newborn.core.members.settled, 5_000);
    expect(newborn.dropped('anything')).to.equal(true);
  });

  it('MEM-3 is ready once everybody whom it requires has listed it', () => {
    const network = new CoreNetwork();
    const node = network.add('me', { expectedNodes: 2 });
    const digest = { [node.origin]: { beat: 1 }, [OTHER]: { beat: 1 } };
    node.hearOf(beatOf(PEER, { settled: false, digest }));
    expect(node.core.members.settled).to.equal(true);
    expect(node.core.members.ready).to.equal(false);
    node.hearOf(beatOf(OTHER, { beat: 2, digest: { [node.origin]: { beat: 1 } } }));
    expect(node.core.members.ready).to.equal(true);
    expect(node.reports('ready')).to.have.lengthOf(1);
  });

  it('MEM-4 a bye is final: whoever has heard all of it drops the member at once, without a flush', () => {
    const network = new CoreNetwork();
    const [leaver, peer] = network.cluster('leaver', 'peer');
    if (leaver === undefined || peer === undefined) throw new Error('no nodes');
    leaver.invalidate(['x']);
    network.run(100);
    peer.forgetHistory();
    leaver.leave();
    network.run(50);
    expect(peer.core.members.get(leaver.origin)).to.equal(undefined);
    expect(peer.effects('fence')).to.deep.equal([]);
    expect(peer.proofAgeMs()).to.be.below(1_000);
    // Nothing brings it back.
    peer.hearOf(beatOf(OTHER, { digest: { [leaver.origin]: { contig: 9, beat: 999 } } }));
    peer.hearOf(beatOf(leaver.origin, { beat: 999 }));
    expect(peer.core.members.get(leaver.origin)).to.equal(undefined);
  });

  it('MEM-4 what is missing of a leaver is asked for while it lingers, and fenced afterwards', () => {
    for (const lingers of [true, false]) {
      const network = new CoreNetwork();
      const [leaver, peer] = network.cluster('leaver', 'peer');
      if (leaver === undefined || peer === undefined) throw new Error('no nodes');
      network.lose = ({ message }) => message.type === 'inv';
      leaver.invalidate(['x']);
      leaver.leave();
      network.run(20);
      if (!lingers) leaver.kill();
      network.run(30_000);
      expect(peer.core.members.get(leaver.origin)).to.equal(undefined);
      expect(peer.dropped('x')).to.equal(true);
      expect(peer.effects('fence')).to.have.lengthOf(lingers ? 0 : 1);
    }
  });

  it('MEM-4 byes are passed on for 2 D by those who knew the leaver, and by nobody for ever', () => {
    const network = new CoreNetwork();
    const [leaver, peer] = network.cluster('leaver', 'peer');
    if (leaver === undefined || peer === undefined) throw new Error('no nodes');
    const third = network.add('third', { expectedNodes: 3 });
    network.run(5_000);
    network.lose = ({ to, message }) => to === third && message.type === 'bye';
    leaver.leave();
    network.run(5_000);
    leaver.kill();
    expect(third.core.members.get(leaver.origin), 'it has learned of it').to.equal(undefined);
    peer.kill();
    const late = network.add('late');
    network.run(230_000);
    const later = network.add('later');
    network.run(130_000);
    expect(later.core.members.settled).to.equal(true);
    network.sent.length = 0;
    network.run(20_000);
    expect(network.sentOf('beat').filter(({ departed }) => departed !== undefined)).to.deep.equal(
      [],
    );
    expect(late.core.members.get(third.origin)).to.not.equal(undefined);
  });

  it('MEM-4 the bye of somebody who was never heard here flushes what it may have published', () => {
    const node = settledNode(new CoreNetwork());
    node.hearOf({ type: 'bye', origin: GHOST, seq: 0 });
    expect(node.effects('fence'), 'it has published nothing').to.deep.equal([]);
    node.hearOf(beatOf(PEER, { digest: {}, departed: new Map([[OTHER, 12]]) }));
    expect(node.effects('fence')).to.have.lengthOf(1);
    node.hearOf(beatOf(PEER, { beat: 2, digest: {}, departed: new Map([[OTHER, 12]]) }));
    expect(node.effects('fence'), 'once').to.have.lengthOf(1);
  });

  it('MEM-4 a node that leaves in the middle of a guarded write says no bye, so that the others go on holding', () => {
    const network = new CoreNetwork();
    const [leaver, peer] = network.cluster('leaver', 'peer');
    if (leaver === undefined || peer === undefined) throw new Error('no nodes');
    const startMs = network.nowMs;
    leaver.reserve(['x']);
    leaver.leave();
    network.run(30_000);
    expect(network.sentOf('bye')).to.deep.equal([]);
    expect(peer.now.localMs - peer.proofAgeMs()).to.be.at.most(startMs);
  });

  it('MEM-4 after its bye a node publishes nothing, beats no more, and sleeps', () => {
    const network = new CoreNetwork();
    const [leaver] = network.cluster('leaver', 'peer');
    if (leaver === undefined) throw new Error('no nodes');
    leaver.leave();
    network.sent.length = 0;
    const call = leaver.invalidate(['late']);
    expect(call.result?.by).to.equal('local');
    expect(leaver.dropped('late')).to.equal(true);
    network.run(20_000);
    expect(network.sent.filter(({ from }) => from === leaver)).to.deep.equal([]);
  });

  it('MEM-5 whoever was not heard for D is forgotten, with a fence of everything loaded before', () => {
    const network = new CoreNetwork();
    const [dead, peer] = network.cluster('dead', 'peer');
    if (dead === undefined || peer === undefined) throw new Error('no nodes');
    dead.kill();
    const startMs = network.nowMs;
    network.until(() => peer.core.members.size === 0, 130_000);
    expect(network.nowMs - startMs).to.be.within(118_000, 122_000);
    expect(peer.effects('fence')).to.deep.equal([
      { type: 'fence', regions: 'all', cause: { by: 'silence', origin: dead.origin } },
    ]);
  });

  it('MEM-5 until then only its proof ages: nothing is flushed', () => {
    const network = new CoreNetwork();
    const [dead, peer] = network.cluster('dead', 'peer');
    if (dead === undefined || peer === undefined) throw new Error('no nodes');
    dead.kill();
    network.run(100_000);
    expect(peer.effects('fence')).to.deep.equal([]);
    expect(peer.proofAgeMs()).to.be.above(99_000);
  });

  it('MEM-6 accuses nobody right after a pause of its own: what would excuse them waits in the socket', () => {
    const network = new CoreNetwork();
    const [paused, peer] = network.cluster('paused', 'peer');
    if (paused === undefined || peer === undefined) throw new Error('no nodes');
    paused.pause(200_000);
    network.run(200_500);
    expect(paused.reports('member-left')).to.deep.equal([]);
  });

  it('MEM-6 accuses nobody while its own bus is away', () => {
    const network = new CoreNetwork();
    const [away, peer] = network.cluster('away', 'peer');
    if (away === undefined || peer === undefined) throw new Error('no nodes');
    away.cut();
    network.run(300_000);
    expect(away.reports('member-left')).to.deep.equal([]);
    away.attach();
    network.run(10_000);
    expect(away.core.members.get(peer.origin)).to.not.equal(undefined);
  });

  it("MEM-7 a discontinuity asks for everybody's beats at once, and flushes nothing", () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [node] = network.cluster('node', 'peer');
    if (node === undefined) throw new Error('no nodes');
    node.attach('discontinuity');
    expect(network.sentOf('beat').at(-1)).to.deep.include({ joining: true, origin: node.origin });
    network.run(200);
    expect(network.sentOf('beat')).to.have.lengthOf(2);
    expect(node.effects('fence')).to.deep.equal([]);
    expect(node.proofAgeMs()).to.be.below(300);
  });

  it('MEM-7 a bus that is away changes nothing but the age of the proof', () => {
    const network = new CoreNetwork();
    const [node] = network.cluster('node', 'peer');
    if (node === undefined) throw new Error('no nodes');
    const proofMs = node.now.localMs - node.proofAgeMs();
    node.cut();
    network.run(60_000);
    expect(node.effects('fence')).to.deep.equal([]);
    expect(node.now.localMs - node.proofAgeMs()).to.equal(proofMs);
  });

  it('MEM-7 a node that was away for D starts over: it was forgotten, and knows not who has joined', () => {
    const network = new CoreNetwork();
    const [away, peer] = network.cluster('away', 'peer');
    if (away === undefined || peer === undefined) throw new Error('no nodes');
    away.cut();
    network.run(121_500);
    const joined = network.add('joined', { expectedNodes: 2 });
    network.run(5_000);
    away.attach();
    expect(away.reports('rejoining')).to.have.lengthOf(1);
    expect(away.core.members.ready).to.equal(false);
    expect(away.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    network.run(5_000);
    expect(away.core.members.get(joined.origin)).to.not.equal(undefined);
    expect(away.core.members.ready).to.equal(true);
  });

  it('keeps no more than 1,024 peers, and while one is left out trusts nobody', () => {
    const network = new CoreNetwork();
    const node = settledNode(network);
    for (let index = 0; index <= LIMITS.peers; index += 1) {
      node.hearOf(
        beatOf(`p${index}/0123456789abc`, {
          digest: { [node.origin]: { beat: 1 } },
          settled: true,
        }),
      );
    }
    expect(node.core.members.size).to.equal(LIMITS.peers);
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    node.hearOf(invOf('late/0123456789abc', 1, ['x']));
    expect(node.dropped('x'), 'it is applied all the same').to.equal(true);
  });
});
