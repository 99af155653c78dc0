import { hash } from '../protocol/hash.ts';

/**
 * The channel of a region, from 0 to `shards - 1`, by rendezvous hashing (Thaler and Ravishankar 1998): each channel
 * draws a number for the region, and the highest wins. So one more channel takes its share of the regions from all the
 * others, and no region moves between those. Every node must compute the same: this is part of the protocol.
 */
export function shardOf(region: string, shards: number): number {
  let best = 0;
  let highest = -1;
  for (let index = 0; index < shards; index += 1) {
    const drawn = scattered(hash(`${index}/${region}`));
    if (drawn <= highest) continue;
    highest = drawn;
    best = index;
  }
  return best;
}

/** The last step of MurmurHash3 (Appleby 2008): FNV-1a alone does not mix what stands first into the upper bits. */
function scattered(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return mixed >>> 0;
}
