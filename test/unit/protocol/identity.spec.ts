import { expect } from 'chai';
import { CoreNetwork } from '../../support/core-network.ts';
import { beatOf, invOf, repOf } from '../../support/messages.ts';

describe('identity', () => {
  it('ID-1 takes a new origin at every start: the label, and 64 random bits', () => {
    const network = new CoreNetwork();
    const origins = new Set(Array.from({ length: 100 }, () => network.add('web-1').origin));
    expect(origins).to.have.lengthOf(100);
    for (const origin of origins) expect(origin).to.match(/^web-1\/[0-9a-v]{13}$/);
  });

  for (const [what, message] of [
    ['a beat that it has not sent yet', (origin: string) => beatOf(origin, { beat: 1_000_000 })],
    ['a number that it has not assigned yet', (origin: string) => invOf(origin, 7)],
    ['a repair of such numbers', (origin: string) => repOf(origin, [1, 7])],
    ['a bye while it stays', (origin: string) => ({ type: 'bye' as const, origin, seq: 0 })],
    ['another text under its own number', (origin: string) => invOf(origin, 1, ['other'])],
    ['another text of its own beat', (origin: string) => beatOf(origin, { beat: 1, seq: 12_345 })],
  ] as const) {
    it(`ID-2 takes a new origin, fences and says so when it hears ${what}`, () => {
      const network = new CoreNetwork();
      const node = network.add('web-1', { expectedNodes: 1 });
      node.invalidate(['mine']);
      network.run(100);
      const before = node.origin;
      node.hearOf(message(before));
      expect(node.origin).to.not.equal(before);
      expect(node.dropped('anything')).to.equal(true);
      expect(node.reports('identity-duplicated')).to.deep.equal([
        { type: 'identity-duplicated', origin: before },
      ]);
    });
  }

  it('ID-2 does not take its own reflection for somebody else', () => {
    const network = new CoreNetwork();
    const node = network.add('web-1', { expectedNodes: 1 });
    const { origin } = node;
    for (let round = 0; round < 50; round += 1) {
      node.invalidate([`key-${round}`]);
      network.run(300);
    }
    node.leave();
    network.run(1_000);
    expect(node.origin).to.equal(origin);
  });

  it('ID-2 two clones of one machine end up with two origins, and each hears what the other publishes', () => {
    const network = new CoreNetwork();
    const one = network.add('clone', { chance: 'the same' });
    const other = network.add('clone', { chance: 'the same' });
    expect(one.origin).to.equal(other.origin);
    network.run(1_000);
    one.invalidate(['first']);
    network.run(100);
    expect(other.origin).to.not.equal(one.origin);
    expect(other.dropped('first'), 'fenced').to.equal(true);
    network.until(() => one.core.members.size === 1 && other.core.members.size > 0, 60_000);
    other.forgetHistory();
    one.invalidate(['second']);
    network.run(100);
    expect(other.dropped('second')).to.equal(true);
  });

  it('ID-2 tells whoever goes on under the origin that it has given up, so that none of what he publishes is lost', () => {
    const network = new CoreNetwork();
    const one = network.add('clone', { chance: 'the same', expectedNodes: 2 });
    const other = network.add('clone', { chance: 'the same', attached: false });
    const reader = network.add('reader', { expectedNodes: 2 });
    network.until(() => reader.core.members.ready, 60_000);
    // The clone is not there yet when the original uses the next number, and then uses it for something else.
    one.invalidate(['first']);
    network.run(100);
    other.attach('opened');
    network.run(50);
    other.invalidate(['second']);
    network.run(1_000);
    expect(reader.dropped('second'), 'whatever its number').to.equal(true);
    expect(one.reports('identity-duplicated')).to.have.lengthOf(1);
    expect(other.reports('identity-duplicated'), 'it was told').to.have.lengthOf(1);
    expect(one.origin).to.not.equal(other.origin);
  });

  it('ID-2 clones that draw the same chance do not take the same new origin', () => {
    const network = new CoreNetwork();
    const one = network.add('clone', { chance: 'the same' });
    const other = network.add('clone', { chance: 'the same' });
    one.invalidate(['here']);
    other.invalidate(['there']);
    network.run(100);
    expect(one.reports('identity-duplicated')).to.have.lengthOf(1);
    expect(other.reports('identity-duplicated')).to.have.lengthOf(1);
    expect(one.origin).to.not.equal(other.origin);
  });

  it('ID-2 publishes again under its new origin what the broker has not accepted, and keeps guarded writes covered', () => {
    const network = new CoreNetwork();
    const [node, peer] = network.cluster('a', 'b');
    if (node === undefined || peer === undefined) throw new Error('no nodes');
    const write = node.reserve(['guarded']);
    network.lose = ({ message }) => message.type === 'inv';
    network.confirms = false;
    node.invalidate(['unsent']);
    network.run(50);
    network.lose = () => false;
    network.confirms = true;
    node.hearOf(beatOf(node.origin, { beat: 1_000_000 }));
    network.run(100);
    expect(peer.dropped('unsent')).to.equal(true);
    expect(node.core.publisher.held, 'the write holds a number of the new origin').to.equal(1);
    write.release();
    network.run(100);
    expect(peer.dropped('guarded')).to.equal(true);
  });

  it('ID-2 takes no more than one new origin a second, however often it is doubted', () => {
    const network = new CoreNetwork();
    const node = network.add('web-1', { expectedNodes: 1 });
    const origins = new Set([node.origin]);
    for (let round = 0; round < 100; round += 1) {
      node.hearOf(beatOf(node.origin, { beat: 1_000_000 }));
      origins.add(node.origin);
      network.run(50);
    }
    expect(origins.size).to.be.within(4, 7);
  });

  it('ID-2 asks nobody to wait for numbers that others have spoken in its name', () => {
    const network = new CoreNetwork();
    const [node, peer] = network.cluster('a', 'b');
    if (node === undefined || peer === undefined) throw new Error('no nodes');
    const before = node.origin;
    peer.hearOf(invOf(before, 50_000));
    network.run(2_000);
    expect(node.origin, 'it learned of them from the request').to.not.equal(before);
  });

  it('ID-3 a restarted node with a unique label supersedes its former incarnation at once', () => {
    const network = new CoreNetwork({ uniqueLabel: true });
    const [dead, peer] = network.cluster('web-1', 'web-2');
    if (dead === undefined || peer === undefined) throw new Error('no nodes');
    dead.kill();
    network.run(1_000);
    const reborn = network.add('web-1', { expectedNodes: 2 });
    network.run(100);
    expect(peer.core.members.get(dead.origin)).to.equal(undefined);
    expect(peer.core.members.get(reborn.origin)).to.not.equal(undefined);
    expect(peer.reports('member-left')).to.deep.equal([
      { type: 'member-left', origin: dead.origin, why: 'superseded' },
    ]);
    expect(peer.dropped('anything'), 'what the dead one may have published unheard').to.equal(true);
  });

  it('ID-3 a restarted node does not require its former self, whoever still lists it', () => {
    const network = new CoreNetwork({ uniqueLabel: true });
    const [dead, peer] = network.cluster('web-1', 'web-2');
    if (dead === undefined || peer === undefined) throw new Error('no nodes');
    dead.kill();
    const reborn = network.add('web-1', { expectedNodes: 2 });
    const digest = { [dead.origin]: { beat: 99 }, [reborn.origin]: { beat: 1 } };
    reborn.hearOf(beatOf('web-3/late', { beat: 9, digest }));
    network.run(2_000);
    expect(reborn.core.members.get(dead.origin)).to.equal(undefined);
  });

  it('ID-3 does not touch a namesake that is still heard, and nobody at all where labels need not be unique', () => {
    const network = new CoreNetwork({ uniqueLabel: true });
    const [alive, peer] = network.cluster('web-1', 'web-2');
    if (alive === undefined || peer === undefined) throw new Error('no nodes');
    const namesake = network.add('web-1', { expectedNodes: 2 });
    network.run(1_000);
    alive.invalidate(['x']);
    network.run(100);
    peer.hearOf(beatOf(namesake.origin, { beat: 500, joining: true, digest: {} }));
    expect(peer.core.members.get(alive.origin)).to.not.equal(undefined);

    const usual = new CoreNetwork();
    const [former, other] = usual.cluster('web-1', 'web-2');
    former?.kill();
    usual.add('web-1', { expectedNodes: 2 });
    usual.run(1_000);
    expect(other?.core.members.size).to.equal(2);
  });
});
