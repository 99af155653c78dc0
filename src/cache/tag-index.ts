import { CompactMap } from './compact-map.ts';
import { CompactSet } from './compact-set.ts';

/** Which cached keys have which tag. Holds nothing for what is not cached. */
export class TagIndex {
  /** Most tags of most caches are of one key: a Set for each would be most of the memory. */
  readonly #keys = new CompactMap<string, string | CompactSet<string>>();

  add(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === undefined) this.#keys.set(tag, key);
      else if (typeof keys !== 'string') keys.add(key);
      else if (keys !== key) this.#keys.set(tag, new CompactSet([keys, key]));
    }
  }

  remove(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === key) this.#keys.delete(tag);
      if (keys === undefined || typeof keys === 'string' || !keys.delete(key)) continue;
      const [only] = keys;
      if (keys.size === 1 && only !== undefined) this.#keys.set(tag, only);
    }
  }

  /** A copy: dropping entries changes the index. */
  keysOf(tag: string): readonly string[] {
    const keys = this.#keys.get(tag) ?? [];
    return typeof keys === 'string' ? [keys] : [...keys];
  }

  /** Tags that some cached entry has. */
  get size(): number {
    return this.#keys.size;
  }
}
