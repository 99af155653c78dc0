import { LIMITS } from './limits.ts';
import type { Range } from './message.ts';

/**
 * What has been heard of one publisher's numbers, in memory that does not depend on the numbers:
 * everything up to `contig`, and a bounded list of ranges above it.
 */
export class Sequence {
  /** The highest number below which nothing is missing. */
  contig: number;
  /** The highest number known to exist and to be published. */
  max: number;
  /** Ascending, disjoint, not adjacent, all above `contig`. */
  #above: Range[] = [];
  /** Numbers that were not heard but fenced: should they come all the same, they are applied. */
  #fenced: Range | undefined;

  constructor(contig = 0) {
    this.contig = contig;
    this.max = contig;
  }

  get ranges(): readonly Range[] {
    return this.#above;
  }

  has(seq: number): boolean {
    return seq <= this.contig || this.#above.some(([low, high]) => low <= seq && seq <= high);
  }

  /** Takes note that `low` to `high` were heard; `true` if any of it was new. */
  see(low: number, high: number): boolean {
    if (high > this.max) this.max = high;
    if (high <= this.contig) return this.#wasFenced(low, high);
    if (low <= this.contig + 1) {
      this.#advance(high);
      return true;
    }
    return this.#insert(low, high);
  }

  /** Takes note that numbers up to `max` exist. */
  announce(max: number): void {
    if (max > this.max) this.max = max;
  }

  /** Takes everything up to `seq` as heard: a fence has covered it. */
  adopt(seq: number): void {
    if (seq > this.contig) {
      this.#fenced = [this.#fenced?.[0] ?? this.contig + 1, seq];
      this.#advance(seq);
    }
    if (seq > this.max) this.max = seq;
  }

  /** Starts over at `seq`: what was heard above it was not the publisher's word. */
  rewind(seq: number): void {
    this.contig = seq;
    this.max = seq;
    this.#above = [];
    this.#fenced = [1, seq];
  }

  /** The ranges that are missing, lowest first, at most `limit`, none at or above `ceiling`. */
  missing(limit: number, ceiling: number = Number.POSITIVE_INFINITY): Range[] {
    const top = Math.min(this.max, ceiling - 1);
    const missing: Range[] = [];
    let low = this.contig + 1;
    for (const [start, end] of this.#above) {
      if (missing.length >= limit || low > top) return missing;
      missing.push([low, Math.min(start - 1, top)]);
      low = end + 1;
    }
    if (low <= top && missing.length < limit) missing.push([low, top]);
    return missing;
  }

  #wasFenced(low: number, high: number): boolean {
    return this.#fenced !== undefined && low <= this.#fenced[1] && high >= this.#fenced[0];
  }

  #advance(high: number): void {
    this.contig = high;
    let used = 0;
    for (const [low, end] of this.#above) {
      if (low > this.contig + 1) break;
      this.contig = Math.max(this.contig, end);
      used += 1;
    }
    if (used > 0) this.#above = this.#above.slice(used);
  }

  #insert(low: number, high: number): boolean {
    const before = this.#above.filter(([, end]) => end < low - 1);
    const after = this.#above.filter(([start]) => start > high + 1);
    const touched = this.#above.slice(before.length, this.#above.length - after.length);
    const [only] = touched;
    if (touched.length === 1 && only !== undefined && only[0] <= low && high <= only[1]) {
      return false;
    }
    const merged: Range = [
      Math.min(low, ...touched.map(([start]) => start)),
      Math.max(high, ...touched.map(([, end]) => end)),
    ];
    // Beyond the bound the newest ranges are forgotten; they will be asked for again.
    this.#above = [...before, merged, ...after].slice(0, LIMITS.outOfOrderRanges);
    return true;
  }
}
