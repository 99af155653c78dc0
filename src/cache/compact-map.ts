import { SHRINK_AT, slotsFor } from './slots.ts';

/** A Map that gives memory back when half of it is empty. V8 waits until three quarters are. */
export class CompactMap<Key, Value> {
  #map = new Map<Key, Value>();
  #slots = slotsFor(0);

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  set(key: Key, value: Value): void {
    this.#map.set(key, value);
    if (this.#map.size > this.#slots) this.#slots = slotsFor(this.#map.size);
  }

  delete(key: Key): boolean {
    const had = this.#map.delete(key);
    if (this.#map.size < this.#slots * SHRINK_AT) {
      this.#map = new Map(this.#map);
      this.#slots = slotsFor(this.#map.size);
    }
    return had;
  }

  keys(): IterableIterator<Key> {
    return this.#map.keys();
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#map.entries();
  }
}
