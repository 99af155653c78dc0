import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { selectionSize, summarize } from '../../../src/protocol/selection.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import { beatOf } from '../../support/messages.ts';

const PEER = 'peer/0123456789abc';

describe('overload and versions', () => {
  it('OVL-2 a batch of a million keys becomes numbered batches of at most 256, and all of them arrive', () => {
    const network = new CoreNetwork();
    const [writer, reader] = network.cluster('writer', 'reader');
    if (writer === undefined || reader === undefined) throw new Error('no nodes');
    const keys = Array.from({ length: 50_000 }, (_, index) => `key-${index}`);
    writer.invalidateAll({ keys: { things: keys } });
    network.run(5_000);
    const heard = new Set(
      reader.effects('apply').flatMap(({ selection }) => selection.keys?.['things'] ?? []),
    );
    expect(heard.size).to.equal(keys.length);
    for (const { selection } of network.sentOf('inv'))
      expect(selectionSize(selection)).to.be.at.most(LIMITS.batchKeys);
    writer.invalidateAll({
      keys: { things: Array.from({ length: 1_000_000 }, (_, index) => `more-${index}`) },
    });
    network.run(5_000);
    expect(
      reader.effects('apply').some(({ selection }) => selection.regions?.includes('things')),
    ).to.equal(true);
  });

  it('VER-1 whoever speaks a later major version is required and never proven, and is reported once', () => {
    const network = new CoreNetwork();
    const [node] = network.cluster('node', 'peer');
    if (node === undefined) throw new Error('no nodes');
    for (let round = 0; round < 5; round += 1) {
      node.hear(`{"v":2,"ns":"test","t":"beat","o":"${PEER}","m":{"${node.origin}":[0,9]}}`);
      network.run(1_000);
    }
    expect(node.proofAgeMs()).to.equal(Number.POSITIVE_INFINITY);
    expect(node.reports('newer-version')).to.deep.equal([{ type: 'newer-version', origin: PEER }]);
    network.run(130_000);
    expect(node.core.members.get(PEER), 'until it is gone').to.equal(undefined);
    expect(node.proofAgeMs()).to.be.below(3_000);
  });

  it('VER-1 ignores fields and types of the same major version that it does not know', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 1 });
    node.hear(
      `{"v":1,"ns":"test","t":"inv","o":"${PEER}","s":1,"k":{"things":["x"]},"later":{"a":[1]}}`,
    );
    expect(node.dropped('x')).to.equal(true);
    node.hear(`{"v":1,"ns":"test","t":"later","o":"${PEER}"}`);
    expect(node.core.members.get(PEER)?.direct).to.equal(true);
    expect(node.core.counters.framesRefused).to.deep.equal({});
  });

  it('VER-2 takes part without any feature of its own, and remembers what the others announce', () => {
    const network = new CoreNetwork();
    const node = network.add('me', { expectedNodes: 1 });
    node.hearOf(beatOf(PEER, { digest: {}, features: ['seal', 'ticks'] }));
    expect(node.core.members.get(PEER)?.features).to.deep.equal(['seal', 'ticks']);
    network.run(5_000);
    for (const { features } of network.sentOf('beat')) expect(features).to.deep.equal([]);
    for (const { message } of network.sent) expect(message.type).to.equal('beat');
  });

  it('reports a member with another bound, and beats as fast as the one with the shortest', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [slow] = network.cluster('slow', 'other');
    if (slow === undefined) throw new Error('no nodes');
    const config = { maxStalenessMs: 3_000, beatIntervalMs: 500 };
    for (let beat = 1; beat <= 60; beat += 1) {
      slow.hearOf(beatOf(PEER, { beat, digest: {}, config }));
      network.run(500);
    }
    expect(slow.reports('config-mismatch')).to.deep.equal([
      { type: 'config-mismatch', origin: PEER, maxStalenessMs: 3_000 },
    ]);
    const mine = network.sent.filter(
      ({ from, message }) => from === slow && message.type === 'beat',
    );
    // It also asks that peer in vain for the proof that it never gives, once per interval.
    expect(mine.length).to.be.within(40, 130);
  });

  it('relaxes the bound, says so, and keeps ten control messages a second in a cluster of more than 50', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000, expectedNodes: 1 });
    const node = network.add('me');
    for (let index = 0; index < 99; index += 1)
      node.hearOf(beatOf(`p${index}/0123456789abc`, { digest: {} }));
    expect(node.core.boundMs).to.equal(60_000);
    network.run(20_000);
    expect(node.reports('bound-relaxed').at(-1)).to.deep.equal({
      type: 'bound-relaxed',
      boundMs: 60_000,
    });
    const strict = new CoreNetwork({ maxStalenessMs: 30_000, expectedNodes: 1, strict: true }).add(
      'me',
    );
    for (let index = 0; index < 99; index += 1)
      strict.hearOf(beatOf(`p${index}/0123456789abc`, { digest: {} }));
    expect(strict.core.boundMs).to.equal(30_000);
  });

  it('keeps the bound that was asked for in a small cluster, however short it is', () => {
    const network = new CoreNetwork({ maxStalenessMs: 1_000 });
    const nodes = network.cluster('a', 'b', 'c', 'd', 'e', 'f');
    for (const node of nodes) expect(node.core.boundMs).to.equal(1_000);
  });

  it('shows people at most 20 ids, and no more than fits a line', () => {
    const keys = Array.from({ length: 256 }, (_, index) => `article:${index}`);
    expect(summarize({ keys: { articles: keys } })).to.equal(
      `${keys.slice(0, 20).join(' ')} ... +236`,
    );
    expect(
      summarize({ keys: { articles: ['x'.repeat(1_024), 'y'.repeat(1_024)] } })?.length,
    ).to.be.below(1_100);
    expect(summarize({ all: true })).to.equal('*');
    expect(summarize({ regions: ['articles'], prefixes: { articles: ['a'] } })).to.equal(
      'articles/* a*',
    );
    expect(summarize({})).to.equal(undefined);
  });
});
