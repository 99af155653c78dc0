import type { Origin } from './message.ts';

/** What a person may want to know of a step. Published on diagnostics channels. */
export type Report =
  | { readonly type: 'member-joined'; readonly origin: Origin }
  | {
      readonly type: 'member-left';
      readonly origin: Origin;
      readonly why: 'bye' | 'silence' | 'superseded';
    }
  | { readonly type: 'gap-opened'; readonly origin: Origin; readonly missing: number }
  | { readonly type: 'gap-closed'; readonly origin: Origin; readonly by: 'repair' | 'fence' }
  | { readonly type: 'frame-refused'; readonly reason: string }
  | { readonly type: 'foreign-refused'; readonly reason: string; readonly sender?: string }
  | { readonly type: 'foreign-applied'; readonly sender?: string; readonly ids: number }
  | { readonly type: 'identity-duplicated'; readonly origin: Origin }
  | { readonly type: 'guard-slow'; readonly guard: number; readonly sinceMs: number }
  | { readonly type: 'bound-relaxed'; readonly boundMs: number }
  | {
      readonly type: 'config-mismatch';
      readonly origin: Origin;
      readonly maxStalenessMs: number;
    }
  | { readonly type: 'newer-version'; readonly origin: Origin }
  /** A node divides the regions among another number of channels; `theirs` is 0 if it tells what cannot be read. */
  | {
      readonly type: 'shards-differ';
      readonly origin: Origin;
      readonly theirs: number;
      readonly ours: number;
    }
  | { readonly type: 'settled'; readonly by: 'peer' | 'expected' | 'time' }
  /** This node was away for so long that the others have forgotten it. */
  | { readonly type: 'rejoining' }
  | { readonly type: 'ready' };
