import type { Origin } from './message.ts';
import type { Report } from './report.ts';
import type { Selection } from './selection.ts';

/** Everything that a step asks its surroundings to do, in order. */
export type Effect =
  | {
      readonly type: 'send';
      readonly id: number;
      readonly frame: string;
      readonly summary: string | undefined;
    }
  /** Drop what it names, entries and in-flight loads alike. */
  | { readonly type: 'apply'; readonly selection: Selection; readonly cause: Cause }
  /** Serve nothing of these regions that was loaded before now. */
  | { readonly type: 'fence'; readonly regions: readonly string[] | 'all'; readonly cause: Cause }
  /** Neither store nor serve what it names until `lift` (PUB-7). */
  | { readonly type: 'quarantine'; readonly guard: number; readonly selection: Selection }
  | { readonly type: 'lift'; readonly guard: number }
  /** Everything that was published to `region` before `atMs` on the local clock has been applied here. */
  | { readonly type: 'proof'; readonly region: string; readonly atMs: number }
  /**
   * For the other shards of this node: everything that anybody published on this channel before `provenAtMs` has been
   * applied here; `alike`: nobody is known here who divides the regions among another number of channels (VER-3).
   */
  | { readonly type: 'shard'; readonly provenAtMs: number; readonly alike: boolean }
  /** The staleness bound in force, in ms: X, or more in a very large cluster. */
  | { readonly type: 'bound'; readonly boundMs: number }
  | { readonly type: 'settle'; readonly call: number; readonly result: CallResult }
  | { readonly type: 'report'; readonly report: Report };

/** Why something is dropped or fenced here. */
export interface Cause {
  readonly by: 'local' | 'peer' | 'repair' | 'foreign' | 'loss' | 'silence' | 'identity';
  readonly origin?: Origin;
  /** When it was published, on the publisher's wall clock. */
  readonly wallMs?: number;
  /** Whose doing it was there: a W3C `traceparent`. */
  readonly traceparent?: string;
}

export interface CallResult {
  /** `local`: applied here, not yet accepted there; `bus`: accepted; `acks`: acknowledged; `lease`: the bound has passed. */
  readonly by: 'local' | 'bus' | 'acks' | 'lease' | 'timeout';
  readonly acked: readonly Origin[];
  readonly missing: readonly Origin[];
}
