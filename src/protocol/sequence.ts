import { LIMITS } from './limits.ts';
import type { Range } from './message.ts';

/**
 * What has been heard of one publisher's numbers, in memory that does not depend on the numbers:
 * everything up to `contig`, and a bounded list of ranges above it.
 */
export class Sequence {
  #contig: number;
  #published: number;
  /** Ascending, disjoint, not adjacent, all above `contig`. */
  #above: Range[] = [];
  /** Numbers that were not heard but fenced: should they come all the same, they are applied. */
  #fenced: Range | undefined;

  constructor(contig = 0) {
    this.#contig = contig;
    this.#published = contig;
  }

  /** The highest number below which nothing is missing: each was applied, or covered by a fence. */
  get contig(): number {
    return this.#contig;
  }

  /**
   * Every number up to here is known to be published: its content is fixed. Numbers that the publisher
   * still holds back are above it, and so are never asked for and never fenced (PUB-8). The lowest number
   * that is held back only ever grows, so late and repeated messages cannot raise this too far.
   */
  get published(): number {
    return this.#published;
  }

  get ranges(): readonly Range[] {
    return this.#above;
  }

  get hasGap(): boolean {
    return this.#contig < this.#published && this.missing(1).length > 0;
  }

  has(seq: number): boolean {
    return seq <= this.#contig || this.#above.some(([low, high]) => low <= seq && seq <= high);
  }

  /** Takes note that `low` to `high` were heard; `true` if any of it was new. */
  see(low: number, high: number): boolean {
    if (high <= this.#contig) return this.#wasFenced(low, high);
    if (low > this.#contig + 1) return this.#insert(low, high);
    this.#advance(high);
    return true;
  }

  /** Takes note that everything up to `seq` is published. */
  announce(seq: number): void {
    if (seq > this.#published) this.#published = seq;
  }

  /** Takes everything that is published as heard: a fence has covered it. */
  adopt(): void {
    if (this.#published <= this.#contig) return;
    this.#fenced = [this.#contig + 1, this.#published];
    this.#advance(this.#published);
  }

  /** Starts over at `seq`: what was heard above it was not the publisher's word. */
  rewind(seq: number): void {
    this.#contig = seq;
    this.#published = seq;
    this.#above = [];
    this.#fenced = [1, seq];
  }

  /** The ranges that are published and were not heard, lowest first, at most `limit`. */
  missing(limit: number): Range[] {
    const missing: Range[] = [];
    let low = this.#contig + 1;
    for (const [start, end] of this.#above) {
      if (missing.length >= limit || low > this.#published) return missing;
      missing.push([low, Math.min(start - 1, this.#published)]);
      low = end + 1;
    }
    if (low <= this.#published && missing.length < limit) missing.push([low, this.#published]);
    return missing;
  }

  /** How many numbers are missing. */
  get missingCount(): number {
    let count = 0;
    for (const [low, high] of this.missing(LIMITS.outOfOrderRanges + 1)) count += high - low + 1;
    return count;
  }

  #wasFenced(low: number, high: number): boolean {
    return this.#fenced !== undefined && low <= this.#fenced[1] && high >= this.#fenced[0];
  }

  #advance(high: number): void {
    this.#contig = high;
    let used = 0;
    for (const [low, end] of this.#above) {
      if (low > this.#contig + 1) break;
      this.#contig = Math.max(this.#contig, end);
      used += 1;
    }
    if (used > 0) this.#above = this.#above.slice(used);
    this.announce(this.#contig);
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
