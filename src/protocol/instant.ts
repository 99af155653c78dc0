/** One reading of a node's clocks, in milliseconds. No rule compares clocks of different nodes. */
export interface Instant {
  /** Monotonic. Timers and silences are counted on it; it may stand still while the machine is suspended. */
  readonly monoMs: number;
  /** Like `monoMs`, but moved forward by every suspension and forward step of the wall clock (READ-4): ages are counted on it. */
  readonly localMs: number;
  /** Since the epoch. For people and figures only. */
  readonly wallMs: number;
}
