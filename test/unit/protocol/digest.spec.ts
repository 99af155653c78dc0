import { expect } from 'chai';
import { Digest } from '../../../src/protocol/digest.ts';
import { CoreNetwork } from '../../support/core-network.ts';
import { beatOf } from '../../support/messages.ts';

/** A node that knows `count` peers, which it has heard once. */
function nodeWith(
  count: number,
  maxFrameBytes = 8_192,
): { readonly network: CoreNetwork; readonly origins: Set<string> } {
  const network = new CoreNetwork({ maxStalenessMs: 30_000, maxFrameBytes });
  const node = network.add('me', { expectedNodes: 1 });
  const origins = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const origin = `peer-${String(index).padStart(4, '0')}/0123456789abc`;
    origins.add(origin);
    node.hearOf(beatOf(origin, { digest: {} }));
  }
  network.sent.length = 0;
  return { network, origins };
}

describe('what a beat says of the members', () => {
  it('BEAT-2 lists nobody rather than claim that nobody is everybody, where there is no room', () => {
    const network = new CoreNetwork();
    const node = network.add('me', { expectedNodes: 1 });
    for (const name of ['a', 'b']) node.hearOf(beatOf(`${name}/0123456789abc`, { digest: {} }));
    const digest = new Digest(node.core.members);
    expect(digest.page(60, 0)).to.deep.equal({});
    expect(digest.page(1_000, 0).digest?.size).to.equal(2);
  });

  it('BEAT-2 lists every peer in each beat, while they fit', () => {
    const { network, origins } = nodeWith(60);
    network.until(() => network.sentOf('beat').some(({ digest }) => digest !== undefined), 60_000);
    const beat = network.sentOf('beat').find(({ digest }) => digest !== undefined);
    expect(new Set(beat?.digest?.keys())).to.deep.equal(origins);
    expect(beat?.part).to.equal(undefined);
  });

  for (const [count, maxFrameBytes] of [
    [300, 8_192],
    [40, 2_048],
    [1_000, 65_536],
  ] as const) {
    it(`BEAT-2 lists ${count} peers part by part in frames of ${maxFrameBytes} bytes, and leaves none out`, () => {
      const { network, origins } = nodeWith(count, maxFrameBytes);
      const listed = new Set<string>();
      network.until(() => {
        for (const { digest } of network.sentOf('beat'))
          for (const origin of digest?.keys() ?? []) listed.add(origin);
        return listed.size === origins.size;
      }, 119_000 * 12);
      for (const { frame } of network.sent) expect(frame.length).to.be.at.most(maxFrameBytes);
      for (const { part, digest } of network.sentOf('beat')) {
        if (digest === undefined) continue;
        expect(part).to.not.equal(undefined);
        // The part says truly of what it lists all.
        const [after = '', last = ''] = part ?? [];
        const inside = [...origins].filter((origin) =>
          after < last ? after < origin && origin <= last : origin > after || origin <= last,
        );
        expect(inside.filter((origin) => !digest.has(origin))).to.deep.equal([]);
      }
    });
  }
});
