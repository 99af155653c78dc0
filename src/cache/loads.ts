import { AsyncLocalStorage } from 'node:async_hooks';
import type { RegionSelection, RegionTrust } from '../cluster/region.ts';
import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';
import { isTrusted } from './read-rule.ts';
import { Tickets, type Ticket } from './tickets.ts';

/** One load in flight, with its ticket. */
export interface Load<Value> extends Ticket {
  readonly result: Promise<Value>;
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
  readonly #tickets: Tickets<Load<Value>>;

  constructor(options: {
    readonly region: string;
    readonly runtime: Runtime;
    readonly trust: RegionTrust;
    readonly timeoutMs: number;
    readonly protects: boolean;
  }) {
    this.#region = options.region;
    this.#runtime = options.runtime;
    this.#trust = options.trust;
    this.#timeoutMs = options.timeoutMs;
    this.#tickets = new Tickets({ protects: options.protects });
  }

  get size(): number {
    return this.#tickets.size;
  }

  /** A load of `key` that a reader may join now: not voided, and young enough for what is proven (READ-1). */
  joinable(key: string): Load<Value> | undefined {
    const load = this.#tickets.joinable(key);
    if (load === undefined) return undefined;
    return isTrusted(load.loadStartMs, this.#trust, this.#runtime.localMs()) ? load : undefined;
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
    this.#tickets.take(load);
    load.result.then(
      (value) => {
        if (this.#tickets.redeem(load)) options.store(value, load);
      },
      () => {
        this.#tickets.redeem(load);
      },
    );
    return load;
  }

  /** Voids the tickets of what is named. */
  void(selection: RegionSelection): void {
    this.#tickets.void(selection);
  }

  voidAll(): void {
    this.#tickets.voidAll();
  }

  abortAll(reason: Error): void {
    for (const load of this.#tickets.all()) load.abort.abort(reason);
    this.voidAll();
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
