import type { Commit } from './origin.ts';

/** A read as the workload saw it: it began at `startMs` and returned `version`. */
export interface ObservedRead {
  readonly id: string;
  readonly version: number;
  readonly startMs: number;
}

/** Reads that wait for the origin's word on what had been committed; more are an error of the origin. */
const MAX_WAITING = 1_000_000;

/**
 * Knows which version was committed when, and so which reads were stale: those that returned a version
 * although a newer one had been committed before they began. All times are on one clock.
 */
export class Ledger {
  /** For each id: when the version at that index was committed. */
  readonly #commits = new Map<string, number[]>();
  #waiting: ObservedRead[] = [];
  staleReads = 0;
  worstStalenessMs = 0;

  /** The origin says what it committed since it last said so, and that until `untilMs` there was nothing else. */
  learn(commits: readonly Commit[], untilMs: number): void {
    for (const { id, version, atMs } of commits) {
      const times = this.#commits.get(id) ?? [];
      times[version] = atMs;
      this.#commits.set(id, times);
    }
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((read) => read.startMs > untilMs);
    for (const read of waiting) if (read.startMs <= untilMs) this.#judge(read);
  }

  /** Judged as soon as everything that was committed before it began is known. */
  observe(read: ObservedRead): void {
    if (this.#waiting.length >= MAX_WAITING)
      throw new Error('the origin has stopped to tell commits');
    this.#waiting.push(read);
  }

  #judge({ id, version, startMs }: ObservedRead): void {
    const supersededAtMs = this.#commits.get(id)?.[version + 1];
    if (supersededAtMs === undefined || supersededAtMs >= startMs) return;
    this.staleReads += 1;
    this.worstStalenessMs = Math.max(this.worstStalenessMs, startMs - supersededAtMs);
  }
}
