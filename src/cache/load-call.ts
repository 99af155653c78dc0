import { AsyncLocalStorage } from 'node:async_hooks';
import { CacheError } from './cache-error.ts';

/** The call of a loader whose code is running, in this asynchronous context. */
const context = new AsyncLocalStorage<LoadCall>();

/** Calls whose loaders are running, in the whole process. */
let running = 0;

/**
 * One call of a loader, for one key or many. It knows whose loaders wait for it, so that a loader that
 * waits for itself is told so, instead of waiting until the timeout.
 */
export class LoadCall {
  readonly abort: AbortController = new AbortController();
  /** Callers that still wait; when the last one gives up, the loader's signal is aborted. */
  waiting = 0;
  readonly #region: string;
  readonly #keys: readonly string[];
  /** The call whose loader has asked for this one. */
  readonly #outer: LoadCall | undefined;
  /** Calls that this one's loader waits for. */
  readonly #waitsFor = new Set<LoadCall>();
  #state: 'opened' | 'running' | 'ended' = 'opened';
  #keySet: ReadonlySet<string> | undefined;

  private constructor(region: string, keys: readonly string[], outer: LoadCall | undefined) {
    this.#region = region;
    this.#keys = keys;
    this.#outer = outer;
  }

  /** @throws {CacheError} `LOAD_RECURSIVE` if this is called from within the loader of one of `keys` */
  static open(region: string, keys: readonly string[]): LoadCall {
    const outer = LoadCall.#current();
    for (let call = outer; call !== undefined; call = call.#outer) {
      const key = call.isRunning && call.#region === region ? call.#oneOf(keys) : undefined;
      if (key !== undefined) throw recursive(region, key);
    }
    return new LoadCall(region, keys, outer);
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** How messages name what is loaded. */
  get naming(): string {
    const [first = ''] = this.#keys;
    const shown = shorten(first);
    return this.#keys.length === 1 ? shown : `${shown} and ${this.#keys.length - 1} more`;
  }

  /**
   * The code that runs now is about to wait for `result` of this call.
   * @throws {CacheError} `LOAD_RECURSIVE` if this call waits, at whatever remove, for the loader that asks
   */
  enter(result: Promise<unknown>): void {
    const asking = LoadCall.#current();
    if (asking === undefined) return;
    for (let call: LoadCall | undefined = asking; call !== undefined; call = call.#outer) {
      if (call.isRunning && this.#reaches(call)) throw recursive(call.#region, call.#keys[0] ?? '');
    }
    asking.#waitsFor.add(this);
    const done = (): void => {
      asking.#waitsFor.delete(this);
    };
    result.then(done, done);
  }

  /** Runs the loader, in a context that knows of it. */
  async run<Result>(loader: () => Result | Promise<Result>): Promise<Result> {
    this.#state = 'running';
    running += 1;
    return await context.run(this, async () => await loader());
  }

  /** The loader has settled, or is not waited for any more. */
  ended(): void {
    if (this.#state !== 'running') return;
    this.#state = 'ended';
    running -= 1;
    // Until Node 24 an enabled AsyncLocalStorage makes every promise of the process about three times as dear.
    if (running === 0) context.disable();
  }

  /** What runs on after its load has ended, a connection pool's timer say, is nobody's loader any more. */
  static #current(): LoadCall | undefined {
    if (running === 0) return undefined;
    let call = context.getStore();
    while (call !== undefined && !call.isRunning) call = call.#outer;
    return call;
  }

  #oneOf(keys: readonly string[]): string | undefined {
    this.#keySet ??= new Set(this.#keys);
    for (const key of keys) if (this.#keySet.has(key)) return key;
    return undefined;
  }

  /** Whether this call waits for `goal`, or is it. */
  #reaches(goal: LoadCall, seen: Set<LoadCall> = new Set()): boolean {
    if (this === goal) return true;
    seen.add(this);
    for (const call of this.#waitsFor) {
      if (!seen.has(call) && call.#reaches(goal, seen)) return true;
    }
    return false;
  }
}

function recursive(region: string, key: string): CacheError {
  const message = `the loader of ${shorten(key)} in ${JSON.stringify(region)} waits for itself: it asks the cache for the key that it loads, directly or by way of another loader; read the source instead`;
  return new CacheError('LOAD_RECURSIVE', message);
}

/** Keys can be long, and messages should not be. */
function shorten(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}
