import { createHistogram } from 'node:perf_hooks';
import { Ledger } from './ledger.ts';
import { Propagation } from './propagation.ts';

/** The figures of one mode, as `--json` prints them. Times in ms, ratios from 0 to 1. */
export interface ModeResult {
  readonly reads: number;
  readonly errors: number;
  readonly hitRatio: number;
  readonly readP50Ms: number;
  readonly readP99Ms: number;
  readonly originLoads: number;
  readonly staleReads: number;
  readonly worstStalenessMs: number;
}

/** `null` where no id travelled: with one server, or without a save. */
export interface UnstaleResult extends ModeResult {
  readonly propagationP50Ms: number | null;
  readonly propagationP99Ms: number | null;
}

/** How many different errors are kept to be shown. */
const MAX_SHOWN_ERRORS = 5;

/** Counts what the workload sees in one mode. */
export class Tally {
  readonly ledger: Ledger = new Ledger();
  readonly propagation: Propagation = new Propagation();
  readonly #latencyUs = createHistogram();
  readonly #shownErrors = new Map<string, number>();
  reads = 0;
  saves = 0;
  errors = 0;
  #answered = 0;
  #hits = 0;

  answered(read: {
    readonly id: string;
    readonly version: number;
    readonly startMs: number;
    readonly tookMs: number;
    readonly isHit: boolean;
  }): void {
    this.#answered += 1;
    if (read.isHit) this.#hits += 1;
    this.#latencyUs.record(Math.max(1, Math.round(read.tookMs * 1_000)));
    this.ledger.observe(read);
  }

  failed(why: string): void {
    this.errors += 1;
    const known = this.#shownErrors.get(why);
    if (known !== undefined || this.#shownErrors.size < MAX_SHOWN_ERRORS) {
      this.#shownErrors.set(why, (known ?? 0) + 1);
    }
  }

  /** What went wrong, and how often. */
  describeErrors(): string {
    return [...this.#shownErrors].map(([why, count]) => `${count} × ${why}`).join('; ');
  }

  get hitRatio(): number {
    return this.#answered === 0 ? 0 : this.#hits / this.#answered;
  }

  result(originLoads: number): ModeResult {
    const percentile = (rank: number): number =>
      this.#answered === 0 ? 0 : rounded(this.#latencyUs.percentile(rank) / 1_000);
    return {
      reads: this.reads,
      errors: this.errors,
      hitRatio: rounded(this.hitRatio),
      readP50Ms: percentile(50),
      readP99Ms: percentile(99),
      originLoads,
      staleReads: this.ledger.staleReads,
      worstStalenessMs: rounded(this.ledger.worstStalenessMs),
    };
  }

  unstaleResult(originLoads: number): UnstaleResult {
    const { p50Ms, p99Ms } = this.propagation.percentiles();
    return {
      ...this.result(originLoads),
      propagationP50Ms: p50Ms === null ? null : rounded(p50Ms),
      propagationP99Ms: p99Ms === null ? null : rounded(p99Ms),
    };
  }
}

/** Thousandths are more than the measurement is good for. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
