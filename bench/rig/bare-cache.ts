/** What the bare side keeps its entries in: the cheapest thing there is. */
export class BareCache {
  readonly #entries = new Map<string, { readonly key: string }>();
  readonly #listeners: ((key: string) => void)[] = [];

  warm(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.set(key, { key });
    return Promise.resolve();
  }

  left(): number {
    return this.#entries.size;
  }

  onEvicted(listener: (key: string) => void): void {
    this.#listeners.push(listener);
  }

  readonly drop = (key: string): void => {
    if (!this.#entries.delete(key)) return;
    for (const listener of this.#listeners) listener(key);
  };

  ready(): Promise<void> {
    return Promise.resolve();
  }

  controlMessages(): number {
    return 0;
  }
}
