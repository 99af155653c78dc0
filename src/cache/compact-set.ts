import { SHRINK_AT, slotsFor } from './slots.ts';

/** A Set that gives memory back when half of it is empty, as `CompactMap` does. */
export class CompactSet<Value> implements Iterable<Value> {
  #set: Set<Value>;
  #slots: number;

  constructor(values: Iterable<Value>) {
    this.#set = new Set(values);
    this.#slots = slotsFor(this.#set.size);
  }

  get size(): number {
    return this.#set.size;
  }

  add(value: Value): void {
    this.#set.add(value);
    if (this.#set.size > this.#slots) this.#slots = slotsFor(this.#set.size);
  }

  delete(value: Value): boolean {
    const had = this.#set.delete(value);
    if (this.#set.size < this.#slots * SHRINK_AT) {
      this.#set = new Set(this.#set);
      this.#slots = slotsFor(this.#set.size);
    }
    return had;
  }

  [Symbol.iterator](): IterableIterator<Value> {
    return this.#set.values();
  }
}
