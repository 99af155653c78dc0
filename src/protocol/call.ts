/** An invalidation whose caller waits until the broker has accepted all of it. */
export interface Call {
  readonly id: number;
  /** How many wait for it. */
  readonly callers: number;
  /** Batches that carry it and are not accepted yet. */
  waitsFor: number;
  readonly timeoutAtMs: number;
}
