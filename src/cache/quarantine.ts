import type { RegionSelection } from '../cluster/region.ts';

/** Keys that guarded writes have under way here: they are not stored until the last of these ends (PUB-7). */
export class Quarantine {
  readonly #keysOf = new Map<number, readonly string[]>();
  /** By how many writes each key is held. */
  readonly #held = new Map<string, number>();

  add(guard: number, { keys }: RegionSelection): void {
    this.lift(guard);
    const distinct = [...new Set(keys)];
    this.#keysOf.set(guard, distinct);
    for (const key of distinct) this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
  }

  lift(guard: number): void {
    for (const key of this.#keysOf.get(guard) ?? []) {
      const others = (this.#held.get(key) ?? 1) - 1;
      if (others === 0) this.#held.delete(key);
      else this.#held.set(key, others);
    }
    this.#keysOf.delete(guard);
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }
}
