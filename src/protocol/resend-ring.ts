import { LIMITS } from './limits.ts';
import type { Range } from './message.ts';
import { regionsOf, selectionSize, type Selection } from './selection.ts';

/** What was published under a range of numbers, and what it weighs in a frame, in bytes. */
export interface Piece {
  readonly range: Range;
  readonly selection: Selection;
  readonly bytes: number;
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
  #kept: Piece[] = [];
  #folded: Folded[] = [];
  #bytes = 0;
  readonly #maxBatches: number;

  constructor(maxBatches: number = LIMITS.ringBatches) {
    this.#maxBatches = maxBatches;
  }

  /** Keeps a batch. `bytes` is what it weighs. */
  add(range: Range, selection: Selection, bytes: number): void {
    this.#kept.push({ range, selection, bytes });
    this.#bytes += bytes;
    if (this.#kept.length > this.#maxBatches || this.#bytes > LIMITS.ringBytes) this.#fold();
  }

  /**
   * The pieces that together cover `range`, each within `bounds`: whole batches, merged, and one
   * summary for each stretch that was folded or forgotten. Numbers from `held` on that are not kept
   * here were never published, and nothing is said of them.
   */
  collect([low, high]: Range, held: number, bounds: PieceBounds): Piece[] {
    const kept = this.#kept.filter(({ range }) => range[0] <= high && range[1] >= low);
    kept.sort((a, b) => a.range[0] - b.range[0]);
    const pieces: Piece[] = [];
    let next = low;
    const summarizeUpTo = (end: number): void => {
      const top = Math.min(end, held - 1);
      if (next <= top)
        pieces.push({ range: [next, top], selection: this.#summary([next, top]), bytes: 0 });
    };
    for (const batch of kept) {
      summarizeUpTo(batch.range[0] - 1);
      const last = pieces.at(-1);
      if (last !== undefined && last.bytes > 0 && fits(last, batch, bounds)) {
        pieces[pieces.length - 1] = {
          range: [last.range[0], batch.range[1]],
          selection: union(last.selection, batch.selection),
          bytes: last.bytes + batch.bytes,
        };
      } else {
        pieces.push(batch);
      }
      next = batch.range[1] + 1;
    }
    summarizeUpTo(high);
    return pieces;
  }

  #summary([low, high]: Range): Selection {
    const touched = this.#folded.filter(({ range }) => range[0] <= high && range[1] >= low);
    const oldest = this.#folded[0]?.range[0];
    const covered = oldest !== undefined && oldest <= low;
    if (!covered) return { all: true };
    const regions = new Set<string>();
    for (const fold of touched) {
      if (fold.regions === 'all') return { all: true };
      for (const region of fold.regions) regions.add(region);
    }
    return { regions: [...regions] };
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
    }
    this.#folded.push({ range: [low, high], regions });
    if (this.#folded.length > LIMITS.foldedRanges) this.#folded.shift();
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

/** Both selections in one. */
export function union(a: Selection, b: Selection): Selection {
  if (a.all === true || b.all === true) return { all: true };
  const regions = new Set([...(a.regions ?? []), ...(b.regions ?? [])]);
  return {
    ...joined('keys', a, b),
    ...joined('tags', a, b),
    ...joined('prefixes', a, b),
    ...(regions.size === 0 ? {} : { regions: [...regions] }),
  };
}

function joined(kind: 'keys' | 'tags' | 'prefixes', a: Selection, b: Selection): Selection {
  const lists = new Map<string, Set<string>>();
  for (const byRegion of [a[kind], b[kind]]) {
    for (const region in byRegion ?? {}) {
      const names = lists.get(region) ?? new Set<string>();
      for (const name of byRegion?.[region] ?? []) names.add(name);
      lists.set(region, names);
    }
  }
  if (lists.size === 0) return {};
  return { [kind]: Object.fromEntries([...lists].map(([region, names]) => [region, [...names]])) };
}
