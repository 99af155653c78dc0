import { AsyncLocalStorage } from 'node:async_hooks';
import type { RegionSelection, RegionTrust } from '../cluster/region.ts';
import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';

/** One load in flight. It holds the ticket: the right to store its result. */
export interface Load<Value> {
  readonly key: string;
  /** The local time before the loader was called, in ms. */
  readonly loadStartMs: number;
  readonly result: Promise<Value>;
  /** `false` once an invalidation or a fence has voided it (LOAD-1). */
  mayStore: boolean;
  /** Callers that still wait; when the last has gone, the loader's signal is aborted. */
  waiting: number;
  readonly abort: AbortController;
}

/** The keys whose loaders are running, outermost first, in this asynchronous context. */
const running = new AsyncLocalStorage<ReadonlySet<string>>();

/**
 * The loads in flight of one region: single flight, and the fence. A load that began before an
 * invalidation never stores its result and is never joined by a later reader.
 */
export class Loads<Value> {
  readonly #region: string;
  readonly #runtime: Runtime;
  readonly #trust: RegionTrust;
  readonly #timeoutMs: number;
  /** The loads that may be joined, by key. */
  readonly #joinable = new Map<string, Load<Value>>();
  readonly #all = new Set<Load<Value>>();

  constructor(options: {
    readonly region: string;
    readonly runtime: Runtime;
    readonly trust: RegionTrust;
    readonly timeoutMs: number;
  }) {
    this.#region = options.region;
    this.#runtime = options.runtime;
    this.#trust = options.trust;
    this.#timeoutMs = options.timeoutMs;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A load of `key` that a reader may join now: not voided, and young enough for what is proven (READ-1). */
  joinable(key: string): Load<Value> | undefined {
    const load = this.#joinable.get(key);
    if (load === undefined) return undefined;
    const trustedMs = Math.max(load.loadStartMs, this.#trust.proofMs);
    return this.#runtime.localMs() - trustedMs < this.#trust.boundMs ? load : undefined;
  }

  /** Starts a load. `store` gets its result, if nothing has voided it meanwhile. */
  start(
    key: string,
    loader: (key: string, context: { readonly signal: AbortSignal }) => Value | Promise<Value>,
    options: {
      readonly fenced: boolean;
      readonly store: (value: Value, load: Load<Value>) => void;
    },
  ): Load<Value> {
    const outer = running.getStore();
    const name = `${this.#region} ${key}`;
    if (outer?.has(name) === true) {
      const message = `the loader of ${JSON.stringify(key)} asks the cache for the same key; read the source instead`;
      throw new CacheError('LOAD_RECURSIVE', message);
    }
    const abort = new AbortController();
    const loadStartMs = this.#runtime.localMs();
    const called = running.run(new Set([...(outer ?? []), name]), () =>
      call(() => loader(key, { signal: abort.signal })),
    );
    const load: Load<Value> = {
      key,
      loadStartMs,
      result: this.#bounded(key, called, abort),
      mayStore: !options.fenced,
      waiting: 0,
      abort,
    };
    this.#all.add(load);
    if (!options.fenced) this.#joinable.set(key, load);
    load.result.then(
      (value) => {
        const stores = load.mayStore && this.#joinable.get(key) === load;
        this.#remove(load);
        if (stores) options.store(value, load);
      },
      () => {
        this.#remove(load);
      },
    );
    return load;
  }

  /** Voids the tickets of what is named. */
  void(selection: RegionSelection): void {
    for (const key of selection.keys) this.#voidKey(key);
    // Which tags a value has is known only after its load: until then any tag may be its own (LOAD-2).
    if (selection.tags.length > 0) {
      this.voidAll();
      return;
    }
    for (const prefix of selection.prefixes) {
      for (const key of this.#joinable.keys()) if (key.startsWith(prefix)) this.#voidKey(key);
    }
  }

  voidAll(): void {
    for (const load of this.#all) load.mayStore = false;
    this.#joinable.clear();
  }

  abortAll(reason: Error): void {
    for (const load of this.#all) load.abort.abort(reason);
    this.voidAll();
  }

  #voidKey(key: string): void {
    const load = this.#joinable.get(key);
    if (load === undefined) return;
    load.mayStore = false;
    this.#joinable.delete(key);
  }

  #remove(load: Load<Value>): void {
    this.#all.delete(load);
    if (this.#joinable.get(load.key) === load) this.#joinable.delete(load.key);
  }

  /** The loader's result, or the reason of an abort, which also ends a loader that never settles. */
  #bounded(key: string, called: Promise<Value>, abort: AbortController): Promise<Value> {
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.setTimer(() => {
        const message = `the loader of ${JSON.stringify(key)} did not settle within ${this.#timeoutMs} ms (loadTimeoutMs)`;
        abort.abort(new CacheError('LOAD_TIMEOUT', message));
      }, this.#timeoutMs);
      abort.signal.addEventListener(
        'abort',
        () => {
          cancel();
          reject(abort.signal.reason);
        },
        { once: true },
      );
      called.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(error instanceof Error ? error : notAnError(key, error));
        },
      );
    });
  }
}

/** A loader that throws at once is a loader that rejects. */
async function call<Value>(loader: () => Value | Promise<Value>): Promise<Value> {
  return await loader();
}

function notAnError(key: string, cause: unknown): CacheError {
  const message = `the loader of ${JSON.stringify(key)} rejected with something that is not an Error; see \`cause\``;
  return new CacheError('LOAD_FAILED', message, { cause });
}
