import type { Network } from './network.ts';
import type { Prng } from './prng.ts';

/** Cuts the cluster in one of the shapes that are known to hurt: halves, one node, a ring, one direction. */
export function partition(network: Network, chance: Prng, untilMs: number): void {
  const { ports } = network;
  const shape = chance.below(4);
  if (shape === 0) split(network, 2 ** (ports.length >> 1) - 1, untilMs);
  else if (shape === 1) split(network, 2 ** chance.below(ports.length), untilMs);
  else {
    for (const from of ports) {
      for (const to of ports) {
        const near = Math.abs(from.slot - to.slot) % (ports.length - 1) <= 1;
        const isCut = shape === 2 ? !near : from.slot < to.slot;
        if (isCut) network.sever(from.slot, to.slot, untilMs);
      }
    }
  }
}

/** Two sides, by the bits of `side`. */
export function split(network: Network, side: number, untilMs: number): void {
  for (const from of network.ports) {
    for (const to of network.ports) {
      const isSame = ((side >> from.slot) & 1) === ((side >> to.slot) & 1);
      if (!isSame) network.sever(from.slot, to.slot, untilMs);
    }
  }
}
