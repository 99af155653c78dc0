import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';
import type { Flight } from './flight.ts';
import { LoadCall } from './load-call.ts';

/** The loads under way in one region: bounded in time, each key by at most one that may be joined. */
export class Flights<Value> {
  readonly #region: string;
  readonly #runtime: Runtime;
  readonly #timeoutMs: number;
  readonly #latest = new Map<string, Flight<Value>>();
  readonly #calls = new Set<LoadCall>();

  constructor(options: {
    readonly region: string;
    readonly runtime: Runtime;
    readonly timeoutMs: number;
  }) {
    this.#region = options.region;
    this.#runtime = options.runtime;
    this.#timeoutMs = options.timeoutMs;
  }

  /** Calls of loaders under way. */
  get size(): number {
    return this.#calls.size;
  }

  /** The latest load of `key`. */
  latest(key: string): Flight<Value> | undefined {
    return this.#latest.get(key);
  }

  /** @throws {CacheError} `LOAD_RECURSIVE` if this is called from within the loader of one of `keys` */
  open(keys: readonly string[]): LoadCall {
    return LoadCall.open(this.#region, keys);
  }

  /** Takes note of a load of `keys`, so that later callers can join it, until `settled` settles. */
  add(
    call: LoadCall,
    keys: readonly string[],
    flights: readonly Flight<Value>[],
    settled: Promise<unknown>,
  ): void {
    this.#calls.add(call);
    flights.forEach((flight, index) => this.#latest.set(keys[index] ?? '', flight));
    const done = (): void => {
      this.#calls.delete(call);
      flights.forEach((flight, index) => {
        const key = keys[index] ?? '';
        if (this.#latest.get(key) === flight) this.#latest.delete(key);
      });
    };
    settled.then(done, done);
  }

  /**
   * Waits for something that `call` brings; the last caller to give up ends the call.
   * @throws {CacheError} `LOAD_RECURSIVE` if `call` itself waits for the loader that asks
   */
  join<Result>(
    call: LoadCall,
    result: Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    call.enter(result);
    call.waiting += 1;
    if (signal === undefined) return result;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        call.waiting -= 1;
        if (call.waiting === 0) call.abort.abort(signal.reason);
        reject(signal.reason);
      };
      const unfollow = (): void => {
        signal.removeEventListener('abort', onAbort);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      result.then(resolve, reject);
      result.then(unfollow, unfollow);
    });
  }

  abortAll(reason: Error): void {
    for (const call of this.#calls) call.abort.abort(reason);
  }

  /** The loader's result, or the reason of the call's abort, which also ends a loader that never settles. */
  run<Result>(call: LoadCall, loader: () => Result | Promise<Result>): Promise<Result> {
    const { signal } = call.abort;
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.setTimer(() => {
        const message = `the loader of ${call.naming} did not settle within ${this.#timeoutMs} ms (loadTimeoutMs)`;
        call.abort.abort(new CacheError('LOAD_TIMEOUT', message));
      }, this.#timeoutMs);
      const end = (): void => {
        cancel();
        call.ended();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      call.run(loader).then(
        (value) => {
          end();
          resolve(value);
        },
        (error: unknown) => {
          end();
          reject(error instanceof Error ? error : notAnError(call, error));
        },
      );
    });
  }
}

function notAnError(call: LoadCall, cause: unknown): CacheError {
  const message = `the loader of ${call.naming} rejected with something that is not an Error; see \`cause\``;
  return new CacheError('LOAD_FAILED', message, { cause });
}
