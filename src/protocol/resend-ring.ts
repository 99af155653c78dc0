import { wireLength } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Range } from './message.ts';
import { regionsOf, selectionSize, union, type Selection } from './selection.ts';

/** What was published under a range of numbers, and what it weighs in a frame, in bytes. */
export interface Piece {
  readonly range: Range;
  readonly selection: Selection;
  readonly bytes: number;
  /** Somebody waited for acknowledgements of it. */
  readonly ackWanted: boolean;
}

export interface PieceBounds {
  readonly maxNames: number;
  readonly maxBytes: number;
}

interface Folded {
  readonly range: Range;
  readonly regions: ReadonlySet<string> | 'all';
}

/**
 * What this node has published, kept for repair in bounded memory: whole batches first, then the
 * regions that a range of them concerned, and before that only the knowledge that something was there.
 */
export class ResendRing {
  /** In the order in which they were published: a reserved number may come after higher ones. */
  #kept: Piece[] = [];
  #folded: Folded[] = [];
  #bytes = 0;
  /** Of numbers up to here nothing is known any more. */
  #forgottenUpTo: number;

  readonly #maxBatches: number;

  constructor(
    options: { readonly firstSeq?: number; readonly maxBatches?: number | undefined } = {},
  ) {
    this.#forgottenUpTo = options.firstSeq ?? 0;
    this.#maxBatches = options.maxBatches ?? LIMITS.ringBatches;
  }

  /** Keeps a batch. */
  add(batch: Piece): void {
    this.#kept.push(batch);
    this.#bytes += batch.bytes;
    if (this.#kept.length > this.#maxBatches || this.#bytes > LIMITS.ringBytes) this.#fold();
  }

  /**
   * The pieces that together cover `range`, each within `bounds`: whole batches, merged, and one
   * summary for each stretch that was folded or forgotten. Nothing is said of numbers from `held` on
   * that are not kept here: they may be still to come.
   */
  collect([low, high]: Range, held: number, bounds: PieceBounds): Piece[] {
    const kept = this.#kept.filter(({ range }) => range[0] <= high && range[1] >= low);
    kept.sort((a, b) => a.range[0] - b.range[0]);
    const pieces: Piece[] = [];
    let next = low;
    const summarizeUpTo = (end: number): void => {
      const top = Math.min(end, held - 1);
      if (next > top) return;
      const range: Range = [next, top];
      const selection = this.#summary(range, bounds);
      pieces.push({ range, selection, bytes: Infinity, ackWanted: false });
    };
    for (const batch of kept) {
      summarizeUpTo(batch.range[0] - 1);
      const last = pieces.at(-1);
      if (last !== undefined && fits(last, batch, bounds)) {
        pieces[pieces.length - 1] = {
          range: [last.range[0], batch.range[1]],
          selection: union(last.selection, batch.selection),
          bytes: last.bytes + batch.bytes,
          ackWanted: last.ackWanted || batch.ackWanted,
        };
      } else {
        pieces.push(batch);
      }
      next = batch.range[1] + 1;
    }
    summarizeUpTo(high);
    return pieces;
  }

  #summary([low, high]: Range, bounds: PieceBounds): Selection {
    if (low <= this.#forgottenUpTo) return { all: true };
    const regions = new Set<string>();
    for (const fold of this.#folded) {
      if (fold.range[0] > high || fold.range[1] < low) continue;
      if (fold.regions === 'all') return { all: true };
      for (const region of fold.regions) regions.add(region);
    }
    let bytes = 0;
    for (const region of regions) bytes += wireLength(region) + 1;
    // Of a number that is neither kept nor folded we know nothing.
    const unknown = regions.size === 0;
    return unknown || bytes > bounds.maxBytes ? { all: true } : { regions: [...regions] };
  }

  /** Folds the older half into the regions that it concerned. */
  #fold(): void {
    const half = this.#kept.splice(0, Math.ceil(this.#kept.length / 2));
    let [low, high] = half[0]?.range ?? [0, 0];
    let regions: Set<string> | 'all' = new Set<string>();
    for (const { range, selection, bytes } of half) {
      this.#bytes -= bytes;
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
      const touched = regionsOf(selection);
      if (touched === 'all') regions = 'all';
      else if (regions !== 'all') for (const region of touched) regions.add(region);
      if (regions !== 'all' && regions.size > LIMITS.foldedRegions) regions = 'all';
    }
    this.#folded.push({ range: [low, high], regions });
    if (this.#folded.length <= LIMITS.foldedRanges) return;
    const forgotten = this.#folded.shift();
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, forgotten?.range[1] ?? 0);
  }
}

function fits(last: Piece, next: Piece, bounds: PieceBounds): boolean {
  const names = selectionSize(last.selection) + selectionSize(next.selection);
  return (
    last.range[1] + 1 === next.range[0] &&
    names <= bounds.maxNames &&
    last.bytes + next.bytes <= bounds.maxBytes
  );
}
