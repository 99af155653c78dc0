import type { RegionSelection } from '../cluster/region.ts';

/** When something was dropped: a running number, and the local time in ms. */
export interface Drop {
  readonly count: number;
  readonly atMs: number;
}

/** Names remembered one by one; at least the younger half of them, the older as one drop of everything. */
const REMEMBERED_NAMES = 65_536;

const NEVER: Drop = { count: 0, atMs: Number.NEGATIVE_INFINITY };

/**
 * What was dropped lately, so that a load that began before a drop can be told by exactly the predicate
 * that dropped the entries: key, tag, prefix or everything (LOAD-2). Bounded: what is forgotten counts
 * as a drop of everything, which refuses more than it must, and never less.
 */
export class DropMemory {
  #count = 0;
  #everything: Drop = NEVER;
  #lastTag: Drop = NEVER;
  // Two generations instead of a queue: taking the oldest out of a large Map one by one is slow in V8.
  #young = new Generation();
  #old = new Generation();

  /** The running number of the last drop. */
  get count(): number {
    return this.#count;
  }

  /** Names remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Remembers a drop of what is named. */
  add(selection: RegionSelection, atMs: number): void {
    const names = selection.keys.length + selection.tags.length + selection.prefixes.length;
    if (names > REMEMBERED_NAMES / 2) {
      this.addEverything(atMs);
      return;
    }
    this.#count += 1;
    const drop = { count: this.#count, atMs };
    if (this.#young.size + names > REMEMBERED_NAMES / 2) {
      this.#everything = later(this.#everything, this.#old.last);
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(selection, drop);
    if (selection.tags.length > 0) this.#lastTag = drop;
  }

  /** Remembers that everything was dropped, or that nobody needs to know more than that. */
  addEverything(atMs: number): void {
    this.#count += 1;
    this.#everything = { count: this.#count, atMs };
    if (this.#young.size > 0) this.#young = new Generation();
    if (this.#old.size > 0) this.#old = new Generation();
  }

  /** The last drop that concerned `key`, by itself or by a prefix. */
  lastOf(key: string): Drop {
    return later(later(this.#everything, this.#old.ofKey(key)), this.#young.ofKey(key));
  }

  /** The last drop that concerned one of `tags`. */
  lastOfTags(tags: readonly string[]): Drop {
    let last = this.#everything;
    for (const tag of tags) {
      last = later(later(last, this.#old.tags.get(tag)), this.#young.tags.get(tag));
    }
    return last;
  }

  /** The last drop by any tag: a value that is still loading may turn out to have it. */
  get lastOfAnyTag(): Drop {
    return later(this.#everything, this.#lastTag);
  }
}

class Generation {
  readonly tags = new Map<string, Drop>();
  last: Drop = NEVER;
  readonly #keys = new Map<string, Drop>();
  readonly #prefixes = new Map<string, Drop>();
  /** The lengths of the prefixes: a key is looked up by its own prefixes of these lengths. */
  readonly #lengths = new Set<number>();

  get size(): number {
    return this.#keys.size + this.tags.size + this.#prefixes.size;
  }

  add(selection: RegionSelection, drop: Drop): void {
    this.last = drop;
    for (const key of selection.keys) this.#keys.set(key, drop);
    for (const tag of selection.tags) this.tags.set(tag, drop);
    for (const prefix of selection.prefixes) {
      this.#prefixes.set(prefix, drop);
      this.#lengths.add(prefix.length);
    }
  }

  ofKey(key: string): Drop | undefined {
    let last = this.#keys.get(key);
    for (const length of this.#lengths) {
      if (length > key.length) continue;
      last = later(last ?? NEVER, this.#prefixes.get(key.slice(0, length)));
    }
    return last;
  }
}

function later(a: Drop, b: Drop | undefined): Drop {
  return b !== undefined && b.count > a.count ? b : a;
}
