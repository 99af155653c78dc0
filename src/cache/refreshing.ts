import type { Loading } from './loading.ts';
import type { Entry } from './shelf.ts';
import type { Store } from './store.ts';

/** How often one entry is tried, at most, within the time ahead of its end. */
const TRIES = 4;

/** Loads again, in the background, what is read shortly before it can no longer be served. */
export class Refreshing<Value> {
  readonly #aheadMs: number;
  readonly #store: Store<Value>;
  readonly #loading: Loading<Value>;
  readonly #localMs: () => number;
  /** When an entry may be tried again: a source that fails is not asked at every hit. */
  readonly #nextTryMs = new WeakMap<Entry<Value>, number>();

  constructor(
    aheadMs: number,
    store: Store<Value>,
    loading: Loading<Value>,
    localMs: () => number,
  ) {
    this.#aheadMs = aheadMs;
    this.#store = store;
    this.#loading = loading;
    this.#localMs = localMs;
  }

  /** A reader got `entry`. */
  served(key: string, entry: Entry<Value>): void {
    const nowMs = this.#localMs();
    if (!this.#store.nearsEnd(entry, this.#aheadMs, nowMs)) return;
    if (nowMs < (this.#nextTryMs.get(entry) ?? nowMs)) return;
    this.#nextTryMs.set(entry, nowMs + this.#aheadMs / TRIES);
    this.#loading.refresh(key);
  }
}
