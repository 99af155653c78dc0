import { AsyncLocalStorage } from 'node:async_hooks';
import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';
import type { Ticket } from './store.ts';

/** One load under way, shared by the callers that wait for it. */
export interface Flight<Value> {
  readonly ticket: Ticket;
  readonly result: Promise<Value>;
  readonly abort: AbortController;
  /** Callers that still wait; when the last one gives up, the loader's signal is aborted. */
  waiting: number;
}

/** The loads whose loaders are running, outermost first, in this asynchronous context. */
const running = new AsyncLocalStorage<ReadonlySet<string>>();

/** The loads under way in one region: bounded in time, each key by at most one that may be joined. */
export class Flights<Value> {
  readonly #region: string;
  readonly #runtime: Runtime;
  readonly #timeoutMs: number;
  readonly #latest = new Map<string, Flight<Value>>();
  readonly #all = new Set<Flight<Value>>();

  constructor(options: {
    readonly region: string;
    readonly runtime: Runtime;
    readonly timeoutMs: number;
  }) {
    this.#region = options.region;
    this.#runtime = options.runtime;
    this.#timeoutMs = options.timeoutMs;
  }

  get size(): number {
    return this.#all.size;
  }

  /** The latest load of `key`. */
  latest(key: string): Flight<Value> | undefined {
    return this.#latest.get(key);
  }

  /** @throws {CacheError} `LOAD_RECURSIVE` if this is called from within the loader of one of `keys` */
  refuseRecursion(keys: readonly string[]): void {
    const outer = running.getStore();
    if (outer === undefined) return;
    for (const key of keys) {
      if (!outer.has(this.#name(key))) continue;
      const message = `the loader of ${JSON.stringify(key)} asks the cache for the same key; read the source instead`;
      throw new CacheError('LOAD_RECURSIVE', message);
    }
  }

  /** Calls a loader for `keys`, bounded by the load timeout and by `abort`. */
  run<Result>(
    keys: readonly string[],
    abort: AbortController,
    loader: () => Result | Promise<Result>,
  ): Promise<Result> {
    const outer = running.getStore() ?? [];
    const loading = running.run(new Set([...outer, ...keys.map((key) => this.#name(key))]), () =>
      started(loader),
    );
    return this.#bounded(keys, loading, abort);
  }

  /** Takes note of a load, so that later callers can join it. */
  add(ticket: Ticket, result: Promise<Value>, abort: AbortController): Flight<Value> {
    const flight: Flight<Value> = { ticket, result, abort, waiting: 0 };
    this.#all.add(flight);
    this.#latest.set(ticket.key, flight);
    const done = (): void => {
      this.#all.delete(flight);
      if (this.#latest.get(ticket.key) === flight) this.#latest.delete(ticket.key);
    };
    result.then(done, done);
    return flight;
  }

  /** Waits for a load; the last caller to give up ends it. */
  async join(flight: Flight<Value>, signal: AbortSignal | undefined): Promise<Value> {
    flight.waiting += 1;
    if (signal === undefined) return await flight.result;
    return await new Promise((resolve, reject) => {
      const onAbort = (): void => {
        flight.waiting -= 1;
        if (flight.waiting === 0) flight.abort.abort(signal.reason);
        reject(signal.reason);
      };
      const unfollow = (): void => {
        signal.removeEventListener('abort', onAbort);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      flight.result.then(resolve, reject);
      flight.result.then(unfollow, unfollow);
    });
  }

  abortAll(reason: Error): void {
    for (const flight of this.#all) flight.abort.abort(reason);
  }

  #name(key: string): string {
    return `${this.#region} ${key}`;
  }

  /** The loader's result, or the reason of the abort, which also ends a loader that never settles. */
  #bounded<Result>(
    keys: readonly string[],
    loading: Promise<Result>,
    abort: AbortController,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.setTimer(() => {
        const message = `the loader of ${naming(keys)} did not settle within ${this.#timeoutMs} ms (loadTimeoutMs)`;
        abort.abort(new CacheError('LOAD_TIMEOUT', message));
      }, this.#timeoutMs);
      const onAbort = (): void => {
        cancel();
        reject(abort.signal.reason);
      };
      if (abort.signal.aborted) onAbort();
      else abort.signal.addEventListener('abort', onAbort, { once: true });
      loading.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(error instanceof Error ? error : notAnError(keys, error));
        },
      );
    });
  }
}

/** A loader that throws at once is a loader that rejects. */
async function started<Result>(loader: () => Result | Promise<Result>): Promise<Result> {
  return await loader();
}

function naming(keys: readonly string[]): string {
  const [first = ''] = keys;
  const shown = JSON.stringify(first.slice(0, 80));
  return keys.length === 1 ? shown : `${shown} and ${keys.length - 1} more`;
}

function notAnError(keys: readonly string[], cause: unknown): CacheError {
  const message = `the loader of ${naming(keys)} rejected with something that is not an Error; see \`cause\``;
  return new CacheError('LOAD_FAILED', message, { cause });
}
