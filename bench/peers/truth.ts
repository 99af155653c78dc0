import type { Article } from '../rig/reading.ts';

/** Where values come from: a version for each key, and reads that can be held up after they have read. */
export class Truth {
  readonly #versions = new Map<string, number>();
  readonly #heldUp = new Set<string>();
  readonly #waiting: (() => void)[] = [];

  readonly load = async (key: string): Promise<Article> => {
    const article = { id: this.version(key) };
    if (this.#heldUp.has(key)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    return article;
  };

  version(key: string): number {
    return this.#versions.get(key) ?? 1;
  }

  change(key: string): void {
    this.#versions.set(key, this.version(key) + 1);
  }

  /** From now on reads of these keys read, and do not answer. */
  holdUp(keys: readonly string[]): void {
    for (const key of keys) this.#heldUp.add(key);
  }

  /** Reads that have read and wait to answer. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** They answer what they have read. */
  letGo(): void {
    this.#heldUp.clear();
    for (const answer of this.#waiting.splice(0)) answer();
  }
}
