/**
 * Many waits on few signals: one listener per signal, however many calls share it.
 * Node warns of a leak from the eleventh listener on, which a cluster with one shutdown signal reaches at once.
 */
export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Set<() => void>>();

  /** Calls `onAbort` when `signal` is aborted, until the returned function is called. */
  watch(signal: AbortSignal, onAbort: () => void): () => void {
    const watchers = this.#watched.get(signal) ?? this.#begin(signal);
    watchers.add(onAbort);
    return () => {
      watchers.delete(onAbort);
      if (watchers.size === 0 && this.#watched.get(signal) === watchers) this.#end(signal);
    };
  }

  #begin(signal: AbortSignal): Set<() => void> {
    const watchers = new Set<() => void>();
    this.#watched.set(signal, watchers);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    return watchers;
  }

  #end(signal: AbortSignal): void {
    this.#watched.delete(signal);
    signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (event: Event): void => {
    const { target } = event;
    if (!(target instanceof AbortSignal)) return;
    for (const onAbort of this.#watched.get(target) ?? []) onAbort();
    this.#watched.delete(target);
  };
}
