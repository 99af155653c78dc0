/** Which cached keys have which tag. Holds nothing for what is not cached. */
export class TagIndex {
  readonly #keys = new Map<string, Set<string>>();

  add(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === undefined) this.#keys.set(tag, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(tag);
    }
  }

  /** A copy: dropping entries changes the index. */
  keysOf(tag: string): readonly string[] {
    return [...(this.#keys.get(tag) ?? [])];
  }

  /** Tags that some cached entry has. */
  get size(): number {
    return this.#keys.size;
  }
}
