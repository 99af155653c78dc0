import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import type { CoreNode } from '../../support/core-node.ts';
import { beatOf, invOf, repOf } from '../../support/messages.ts';

function pairOf(network: CoreNetwork): [CoreNode, CoreNode] {
  const [writer, reader] = network.cluster('writer', 'reader');
  if (writer === undefined || reader === undefined) throw new Error('no nodes');
  return [writer, reader];
}

/** That the cluster is well: what is published arrives, and is proven. */
function expectHealth(network: CoreNetwork, writer: CoreNode, reader: CoreNode): void {
  const key = `health-${network.nowMs}`;
  writer.invalidate([key]);
  network.run(200);
  expect(reader.dropped(key)).to.equal(true);
  network.run(3_000);
  expect(reader.proofAgeMs()).to.be.below(reader.core.boundMs / 1.5);
}

describe('bad input', () => {
  for (const seq of [1e9, Number.MAX_SAFE_INTEGER]) {
    for (const [what, forged] of [
      ['a batch', (origin: string) => invOf(origin, seq)],
      ['a beat', (origin: string) => beatOf(origin, { seq, beat: 3 })],
      ['a repair', (origin: string) => repOf(origin, [seq, seq])],
      [
        'a bystander',
        (origin: string) =>
          beatOf('x/0123456789abc', { digest: { [origin]: { contig: seq, beat: 0 } } }),
      ],
    ] as const) {
      it(`forged: ${what} that tells of number ${seq} flushes once, and the next beat puts it right`, () => {
        const network = new CoreNetwork();
        const [writer, reader] = pairOf(network);
        reader.hearOf(forged(writer.origin));
        network.run(1);
        expect(reader.effects('fence').length).to.be.at.most(2);
        network.run(3_000);
        const contig = reader.core.members.get(writer.origin)?.sequence.contig ?? 0;
        expect(contig).to.be.below(10);
        reader.forgetHistory();
        network.lose = ({ to, message }) => to === reader && message.type === 'inv';
        writer.invalidate(['after']);
        network.run(2_000);
        expect(reader.dropped('after'), 'its loss is noticed').to.equal(true);
      });
    }
  }

  it('forged: ranges of the largest numbers are answered with nothing, at once', () => {
    const network = new CoreNetwork();
    const [writer] = pairOf(network);
    const most = Number.MAX_SAFE_INTEGER;
    const ranges = Array.from({ length: LIMITS.nackRanges }, () => [1, most] as const);
    for (let round = 0; round < 1_000; round += 1) {
      writer.hearOf({ type: 'nack', origin: 'x/0123456789abc', publisher: writer.origin, ranges });
    }
    expect(network.sentOf('rep')).to.deep.equal([]);
  });

  it('replayed: an hour of traffic, heard again, changes nothing', () => {
    const network = new CoreNetwork({ maxStalenessMs: 30_000 });
    const [writer, reader] = pairOf(network);
    for (let round = 0; round < 720; round += 1) {
      writer.invalidate([`key-${round}`]);
      network.run(5_000);
    }
    const traffic = network.sent.map(({ frame }) => frame);
    expect(traffic.length).to.be.above(2_000);
    const proofMs = reader.now.localMs - reader.proofAgeMs();
    const members = [...reader.core.members.all()].map(({ origin, provenAtMs }) => [
      origin,
      provenAtMs,
    ]);
    reader.forgetHistory();
    for (const frame of traffic) reader.hear(frame);
    expect(reader.effects('apply')).to.deep.equal([]);
    expect(reader.effects('fence')).to.deep.equal([]);
    expect(reader.now.localMs - reader.proofAgeMs()).to.equal(proofMs);
    expect(
      [...reader.core.members.all()].map(({ origin, provenAtMs }) => [origin, provenAtMs]),
    ).to.deep.equal(members);
    expectHealth(network, writer, reader);
  });

  it('replayed: the traffic of a dead incarnation costs trust until it is forgotten again, never truth', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const doomed = network.add('doomed', { expectedNodes: 3 });
    network.run(5_000);
    doomed.invalidate(['x']);
    network.run(1_000);
    const traffic = network.sent.filter(({ from }) => from === doomed).map(({ frame }) => frame);
    doomed.kill();
    network.run(130_000);
    expect(reader.core.members.get(doomed.origin)).to.equal(undefined);
    reader.forgetHistory();
    for (const frame of traffic) reader.hear(frame);
    expect(reader.core.members.get(doomed.origin), 'it knows those beats').to.equal(undefined);
    expectHealth(network, writer, reader);
  });

  it('contradicted: a beat that takes numbers back flushes, and what comes next is heard and proven', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    for (let index = 0; index < 20; index += 1) writer.invalidate([`key-${index}`]);
    network.run(100);
    const { lastBeat = 0 } = reader.core.members.get(writer.origin) ?? {};
    reader.hearOf(beatOf(writer.origin, { seq: 20, beat: lastBeat + 1 }));
    reader.hearOf(beatOf(writer.origin, { seq: 3, beat: lastBeat + 2 }));
    expect(reader.effects('fence')).to.have.lengthOf(1);
    network.run(5_000);
    expectHealth(network, writer, reader);
  });

  it('contradicted: a beat that lists itself as departed, or a member as present and gone, shakes nobody', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const origin = 'liar/0123456789abc';
    reader.hearOf(
      beatOf(origin, {
        digest: { [origin]: { beat: 9 }, 'b/0123456789abc': { beat: 1 } },
        departed: new Map([
          [origin, 0],
          ['b/0123456789abc', 0],
        ]),
      }),
    );
    expect(reader.core.members.get(origin)).to.not.equal(undefined);
    expect(reader.core.members.get('b/0123456789abc')).to.equal(undefined);
    reader.hearOf({ type: 'bye', origin, seq: 0 });
    expectHealth(network, writer, reader);
  });

  it('forged: a bye for somebody else, who takes another origin, and whom the others go on hearing', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const before = writer.origin;
    for (const node of [writer, reader]) node.hearOf({ type: 'bye', origin: before, seq: 0 });
    expect(writer.origin).to.not.equal(before);
    network.run(2_000);
    expectHealth(network, writer, reader);
  });

  it('forged: a bye that only the others heard comes back to the one it named, by their beats', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const before = writer.origin;
    reader.hearOf({ type: 'bye', origin: before, seq: 0 });
    writer.invalidate(['meanwhile']);
    network.run(50);
    expect(reader.dropped('meanwhile'), 'a number beyond the bye is applied').to.equal(true);
    network.run(3_000);
    expect(writer.origin).to.not.equal(before);
    expectHealth(network, writer, reader);
  });

  it('flooded: a hundred thousand batches of one origin are applied in memory that does not grow with them', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const origin = 'flood/0123456789abc';
    for (let seq = 1; seq <= 100_000; seq += 1) {
      // Every other one is left out, so that each leaves a hole.
      reader.core.step(
        {
          type: 'frame',
          frame: `{"v":1,"ns":"test","t":"inv","o":"${origin}","s":${2 * seq},"k":{"things":["k${seq}"]},"a":1}`,
        },
        reader.now,
      );
    }
    expect(reader.core.members.get(origin)?.sequence.ranges.length).to.be.at.most(
      LIMITS.outOfOrderRanges,
    );
    reader.tick();
    network.run(100);
    expect(
      network.sent.filter(({ from, message }) => from === reader && message.type === 'ack'),
    ).to.have.lengthOf(1);
    expect(reader.core.members.size).to.equal(2);
    reader.hearOf({ type: 'bye', origin, seq: 1 });
    network.run(40_000);
    expectHealth(network, writer, reader);
  });

  it('flooded: ten thousand origins fill a bounded table, and the node is itself again when they are forgotten', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    for (let index = 0; index < 10_000; index += 1) {
      reader.core.step(
        {
          type: 'frame',
          frame: `{"v":1,"ns":"test","t":"bye","o":"a${index}/0123456789abc","s":3}`,
        },
        reader.now,
      );
      reader.core.step(
        {
          type: 'frame',
          frame: `{"v":1,"ns":"test","t":"beat","o":"b${index}/0123456789abc","s":0,"b":1}`,
        },
        reader.now,
      );
    }
    expect(reader.core.members.size).to.equal(LIMITS.peers);
    network.run(2_700_000);
    expect(reader.core.members.size).to.equal(1);
    expectHealth(network, writer, reader);
  });

  for (const [what, shift] of [
    [
      'goes back an hour',
      (node: CoreNode) => {
        node.clock.wallMs -= 3_600_000;
      },
    ],
    [
      'goes forward a day',
      (node: CoreNode) => {
        node.clock.wallMs += 86_400_000;
        node.clock.localMs += 86_400_000;
      },
    ],
  ] as const) {
    it(`a wall clock that ${what} makes nothing younger, and the cluster is well after the next beats`, () => {
      const network = new CoreNetwork();
      const [writer, reader] = pairOf(network);
      const before = reader.proofAgeMs();
      shift(reader);
      reader.tick();
      expect(reader.proofAgeMs()).to.be.at.least(before);
      network.run(6_000);
      expectHealth(network, writer, reader);
      shift(writer);
      network.run(6_000);
      expectHealth(network, writer, reader);
    });
  }

  it('clocks that stop make no node busy: nothing is sent, and nothing is due again and again', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    const { now } = reader;
    const frames: string[] = [];
    for (let round = 0; round < 1_000; round += 1) {
      const effects = reader.core.step({ type: 'timer' }, now);
      for (const effect of effects) if (effect.type === 'send') frames.push(effect.frame);
      reader.core.step(
        {
          type: 'frame',
          frame: `{"v":1,"ns":"test","t":"inv","o":"${writer.origin}","s":${round + 1},"f":1}`,
        },
        now,
      );
    }
    expect(frames.length).to.be.below(3);
  });

  it('a monotonic clock that goes back throws nothing and forgets nobody', () => {
    const network = new CoreNetwork();
    const [writer, reader] = pairOf(network);
    for (const backMs of [1, 1_000, 3_600_000]) {
      reader.clock.monoMs -= backMs;
      reader.tick();
      reader.hearOf(invOf('x/0123456789abc', 1));
    }
    expect(reader.core.members.get(writer.origin)).to.not.equal(undefined);
  });
});
