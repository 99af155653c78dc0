import type { RegionSelection } from '../cluster/region.ts';

/** When something was dropped: a running number, and the local time in ms. */
export interface Drop {
  readonly count: number;
  readonly atMs: number;
}

/** Drops remembered one by one; older ones are remembered as one that concerned everything. */
const REMEMBERED_DROPS = 65_536;

const NEVER: Drop = { count: 0, atMs: Number.NEGATIVE_INFINITY };

/**
 * What was dropped lately, so that a load that began before a drop can be told by exactly the predicate
 * that dropped the entries: key, tag, prefix or everything (LOAD-2). Bounded: what is forgotten counts
 * as a drop of everything, which refuses more than it must, and never less.
 */
export class DropMemory {
  #count = 0;
  readonly #keys = new Map<string, Drop>();
  readonly #tags = new Map<string, Drop>();
  readonly #prefixes = new Map<string, Drop>();
  #everything: Drop = NEVER;
  #lastTag: Drop = NEVER;

  /** The running number of the last drop. */
  get count(): number {
    return this.#count;
  }

  /** Remembers a drop of what is named. */
  add(selection: RegionSelection, atMs: number): void {
    this.#count += 1;
    const drop = { count: this.#count, atMs };
    for (const key of selection.keys) this.#remember(this.#keys, key, drop);
    for (const tag of selection.tags) this.#remember(this.#tags, tag, drop);
    for (const prefix of selection.prefixes) this.#remember(this.#prefixes, prefix, drop);
    if (selection.tags.length > 0) this.#lastTag = drop;
  }

  /** Remembers that everything was dropped, or that nobody needs to know more than that. */
  addEverything(atMs: number): void {
    this.#count += 1;
    this.#everything = { count: this.#count, atMs };
    this.#keys.clear();
    this.#tags.clear();
    this.#prefixes.clear();
  }

  /** The last drop that concerned `key`, by itself or by a prefix. */
  lastOf(key: string): Drop {
    let last = later(this.#everything, this.#keys.get(key));
    for (const [prefix, drop] of this.#prefixes)
      if (key.startsWith(prefix)) last = later(last, drop);
    return last;
  }

  /** The last drop that concerned one of `tags`. */
  lastOfTags(tags: readonly string[]): Drop {
    let last = this.#everything;
    for (const tag of tags) last = later(last, this.#tags.get(tag));
    return last;
  }

  /** The last drop by any tag: a value that is still loading may turn out to have it. */
  get lastOfAnyTag(): Drop {
    return later(this.#everything, this.#lastTag);
  }

  #remember(drops: Map<string, Drop>, name: string, drop: Drop): void {
    // Deleted first, so that the map stays in the order of the drops.
    drops.delete(name);
    drops.set(name, drop);
    if (drops.size <= REMEMBERED_DROPS) return;
    for (const [oldest, forgotten] of drops) {
      drops.delete(oldest);
      this.#everything = later(this.#everything, forgotten);
      break;
    }
  }
}

function later(a: Drop, b: Drop | undefined): Drop {
  return b !== undefined && b.count > a.count ? b : a;
}
