import type { Cause, Effect } from '../protocol/effect.ts';
import type { Selection } from '../protocol/selection.ts';

/** What one of several nodes of a process, each on a channel of its own, shares with the others. */
export interface Siblings {
  /** Drops what is named, whichever of them has the region. */
  apply(selection: Selection, cause: Cause): void;
  /** Drops what the loss of something published on this node's channel may concern. */
  flush(regions: readonly string[] | 'all', cause: Cause): void;
  /** What may be trusted on this node's channel has changed. */
  told(effect: ShardEffect): void;
}

export type ShardEffect = Extract<Effect, { readonly type: 'shard' }>;
