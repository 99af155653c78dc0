import type { Selection } from './selection.ts';

/** Everything that can happen to a node. */
export type Input =
  | { readonly type: 'frame'; readonly frame: string }
  | { readonly type: 'foreign'; readonly message: ForeignText }
  | { readonly type: 'bus'; readonly event: BusEvent }
  /** The application has changed something: number it, apply it here, tell the others. */
  | {
      readonly type: 'invalidate';
      readonly call: number;
      readonly selection: Selection;
      readonly wait: Wait;
      /** Whose doing it is, for tracing: a W3C `traceparent`. */
      readonly traceparent?: string | undefined;
      /** How many wait for it. Default 1. */
      readonly callers?: number;
      /** It has been applied here already. */
      readonly applied?: boolean;
      /** It is the last of its turn, as `turn-end` would say. */
      readonly endsTurn?: boolean;
    }
  /** A guarded write is about to start (PUB-7). */
  | { readonly type: 'reserve'; readonly guard: number; readonly selection: Selection }
  /** It has ended; `selection` is empty if it provably changed nothing. */
  | {
      readonly type: 'release';
      readonly guard: number;
      readonly call: number;
      readonly selection: Selection;
      readonly wait: Wait;
      /** Whose doing it is, for tracing: a W3C `traceparent`. */
      readonly traceparent?: string | undefined;
    }
  /** The bus has settled a frame: accepted; perhaps accepted; or refused by the broker, which it will be again. */
  | { readonly type: 'sent'; readonly id: number; readonly outcome: SendOutcome }
  /** A cache for `region` exists on this node from now on. */
  | { readonly type: 'region'; readonly region: string }
  /** What the other shards of this node allow: to trust what was published before `provenAtMs`, and no more (VER-3). */
  | { readonly type: 'elsewhere'; readonly provenAtMs: number }
  | { readonly type: 'timer' }
  /** Everything has been done that follows from what was invalidated in this turn: what gathers may go out. */
  | { readonly type: 'turn-end' }
  /** `silent`: without a bye, because this process may still publish something on another channel. */
  | { readonly type: 'leave'; readonly silent?: boolean };

export type SendOutcome = 'accepted' | 'unconfirmed' | 'rejected';

/** `opened`: attached for the first time; `lossless`: attached again, nothing missed. */
export type BusEvent = 'opened' | 'interrupted' | 'lossless' | 'discontinuity' | 'failed';

export interface ForeignText {
  readonly text: string;
  readonly id: string;
  readonly sender?: string;
  readonly sentAt?: number;
}

/** What a caller waits for: the broker, all members, a number of members; at most `timeoutMs`. */
export interface Wait {
  readonly for: 'bus' | 'all' | number;
  readonly timeoutMs?: number;
}
