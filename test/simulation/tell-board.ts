import type { RegionBoard } from '../../src/cluster/region-board.ts';
import type { Effect } from '../../src/protocol/effect.ts';

/** Carries out what the core wants of the caches. */
export function tellBoard(
  board: RegionBoard,
  effect: Exclude<Effect, { type: 'send' | 'settle' | 'report' }>,
): void {
  switch (effect.type) {
    case 'apply':
      board.apply(effect.selection, effect.cause);
      return;
    case 'fence':
      board.flush(effect.regions, effect.cause);
      return;
    case 'quarantine':
      board.quarantine(effect.guard, effect.selection);
      return;
    case 'lift':
      board.lift(effect.guard);
      return;
    case 'proof':
      board.prove(effect.region, effect.atMs);
      return;
    case 'bound':
      board.bound(effect.boundMs);
      return;
    // A simulated node has one channel.
    case 'shard':
  }
}
