import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';
import type { BulkLoader, CacheOptions, Loader } from './cache-options.ts';
import type { CacheCounters } from './cache-stats.ts';
import { SharedFlight, SingleFlight, type Flight, type Outcome } from './flight.ts';
import { Flights } from './flights.ts';
import type { LoadCall } from './load-call.ts';
import { laundered, LoaderCalls } from './loader-calls.ts';
import { Redemption } from './redemption.ts';
import type { Entry } from './shelf.ts';
import type { Store, Ticket } from './store.ts';

/** How a cache gets what it does not have: each load under a ticket, shared by those who may share it. */
export class Loading<Value> {
  readonly #options: CacheOptions<Value>;
  readonly #store: Store<Value>;
  readonly #counters: CacheCounters;
  readonly #flights: Flights<Value>;
  readonly #loaders: LoaderCalls<Value>;

  constructor(
    region: string,
    options: CacheOptions<Value>,
    parts: {
      readonly store: Store<Value>;
      readonly counters: CacheCounters;
      readonly runtime: Runtime;
    },
  ) {
    this.#options = options;
    this.#store = parts.store;
    this.#counters = parts.counters;
    const timeoutMs = options.loadTimeoutMs ?? 30_000;
    const { store, counters, runtime } = parts;
    this.#flights = new Flights({ region, runtime, timeoutMs });
    this.#loaders = new LoaderCalls(region, {
      sharedLevel: options.sharedLevel ?? false,
      store,
      counters,
      flights: this.#flights,
      redemption: new Redemption(options, store, () => runtime.random()),
    });
  }

  /** Calls of loaders under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * The value of `key` by a load that a reader may join now, or by a new one.
   * @throws {CacheError} `LOAD_RECURSIVE`; otherwise the promise rejects
   */
  one(key: string, loader: Loader<Value>, signal?: AbortSignal): Promise<Entry<Value>> {
    const flight = this.#joinable(key) ?? this.#start(key, loader);
    return this.#flights.join(flight.call, flight.result, signal);
  }

  /** What becomes of each of `keys`, in their order, with a load for each. */
  async each(
    keys: readonly string[],
    loader: Loader<Value>,
    signal?: AbortSignal,
  ): Promise<readonly Outcome<Value>[]> {
    return await Promise.all(
      keys.map(async (key) => {
        // Inside, so that a refused recursion fails its key like any other error.
        const load = async (): Promise<Entry<Value>> => await this.one(key, loader, signal);
        return await outcomeOf(load());
      }),
    );
  }

  /** What becomes of each of `keys`, in their order, with one call of `loader` for all that no load under way will bring. */
  async many(
    keys: readonly string[],
    loader: BulkLoader<Value>,
    signal?: AbortSignal,
  ): Promise<readonly Outcome<Value>[]> {
    const joined = new Map<string, Promise<Outcome<Value>>>();
    const missing: string[] = [];
    for (const key of keys) {
      const flight = this.#joinable(key);
      if (flight === undefined) missing.push(key);
      else joined.set(key, outcomeOf(this.#flights.join(flight.call, flight.result, signal)));
    }
    if (missing.length === 0) return await Promise.all(joined.values());
    const { call, outcomes } = this.#startMany(missing, loader);
    const own = await outcomesOf(missing, this.#flights.join(call, outcomes, signal));
    if (joined.size === 0) return own;
    let next = 0;
    const all: Outcome<Value>[] = [];
    for (const key of keys) {
      const other = joined.get(key);
      const outcome = other === undefined ? own[next++] : await other;
      if (outcome !== undefined) all.push(outcome);
    }
    return all;
  }

  /** Loads again in the background what is about to expire. */
  refresh(key: string): void {
    const loader = this.#options.load;
    if (loader === undefined || this.#joinable(key, { counted: false }) !== undefined) return;
    let flight: Flight<Value>;
    try {
      flight = this.#start(key, loader);
    } catch {
      // The loader itself has read the value that it is about to renew.
      return;
    }
    this.#counters.count('refresh', key);
    // Nobody waits for it, yet it must not end because somebody who joined it gives up.
    flight.call.waiting += 1;
    // A failure is counted; the value that is still good is served on.
    flight.result.catch(() => undefined);
  }

  abortAll(reason: Error): void {
    this.#flights.abortAll(reason);
  }

  #joinable(key: string, { counted = true } = {}): Flight<Value> | undefined {
    const flight = this.#flights.latest(key);
    if (flight === undefined || flight.call.abort.signal.aborted) return undefined;
    // One that still waits for its turn begins after now, so that it is as good as a new one.
    const may =
      flight.ticket === undefined
        ? this.#store.isQuarantined(key)
        : this.#store.isJoinable(flight.ticket);
    if (!may) return undefined;
    if (counted) this.#counters.count('joined', key);
    return flight;
  }

  #start(key: string, loader: Loader<Value>): Flight<Value> {
    const call = this.#flights.open([key]);
    const before = this.#before(key);
    const flight = new SingleFlight<Value>(call, (self) => {
      const load = (): Promise<Entry<Value>> => this.#load(self, key, loader);
      return before === undefined ? load() : before.result.then(load, load);
    });
    this.#flights.add(call, [key], [flight], flight.result);
    return flight;
  }

  /**
   * The load that a new one has to wait for. While a guarded write holds the key nothing that is loaded
   * is kept, and nobody may join what began before he came. Readers then take turns: the source is
   * asked once at a time, and each of them gets what was loaded after he had asked.
   */
  #before(key: string): Flight<Value> | undefined {
    if (!this.#store.isQuarantined(key)) return undefined;
    const latest = this.#flights.latest(key);
    return latest?.ticket?.fenced === true && !latest.call.abort.signal.aborted
      ? latest
      : undefined;
  }

  async #load(
    flight: SingleFlight<Value>,
    key: string,
    loader: Loader<Value>,
    fresh = false,
  ): Promise<Entry<Value>> {
    const { call } = flight;
    call.abort.signal.throwIfAborted();
    const ticket = this.#store.issue(key);
    flight.ticket = ticket;
    const { context, ageOf } = this.#loaders.brief(call, fresh);
    const value = await this.#loaders.call([ticket], call, () => loader(key, context));
    const redeemed = this.#loaders.redeem(ticket, value, ageOf(key));
    if (redeemed !== 'laundered') return redeemed;
    if (!fresh) return await this.#load(flight, key, loader, true);
    throw laundered(key);
  }

  #startMany(
    keys: readonly string[],
    loader: BulkLoader<Value>,
  ): { readonly call: LoadCall; readonly outcomes: Promise<readonly Outcome<Value>[]> } {
    const call = this.#flights.open(keys);
    const tickets = keys.map((key) => this.#store.issue(key));
    const outcomes = this.#loadMany(call, tickets, loader);
    const flights = tickets.map((ticket, index) => new SharedFlight(call, ticket, index, outcomes));
    this.#flights.add(call, keys, flights, outcomes);
    return { call, outcomes };
  }

  async #loadMany(
    call: LoadCall,
    tickets: readonly Ticket[],
    loader: BulkLoader<Value>,
    fresh = false,
  ): Promise<readonly Outcome<Value>[]> {
    const keys = tickets.map(({ key }) => key);
    const { context, ageOf } = this.#loaders.brief(call, fresh);
    const values = await this.#loaders.call(tickets, call, async () =>
      checkValues(await loader(keys, context)),
    );
    const again: number[] = [];
    const outcomes = tickets.map((ticket, index): Outcome<Value> => {
      const { key } = ticket;
      try {
        // A key that is missing counts as `undefined`, as BulkLoader says.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        const redeemed = this.#loaders.redeem(ticket, values.get(key) as Value, ageOf(key));
        if (redeemed !== 'laundered') return redeemed;
        again.push(index);
        return { error: laundered(key) };
      } catch (error) {
        return { error };
      }
    });
    if (again.length === 0 || fresh) return outcomes;
    const stale = again.map((index) => keys[index] ?? '');
    const reissued = stale.map((key) => this.#store.issue(key));
    const renewed = await outcomesOf(stale, this.#loadMany(call, reissued, loader, true));
    renewed.forEach((outcome, index) => {
      outcomes[again[index] ?? 0] = outcome;
    });
    return outcomes;
  }
}

/** One key's outcome, which does not fail the others. */
async function outcomeOf<Value>(result: Promise<Entry<Value>>): Promise<Outcome<Value>> {
  try {
    return await result;
  } catch (error) {
    return { error };
  }
}

/** Where all fail together, each fails. */
async function outcomesOf<Value>(
  keys: readonly string[],
  outcomes: Promise<readonly Outcome<Value>[]>,
): Promise<readonly Outcome<Value>[]> {
  try {
    return await outcomes;
  } catch (error) {
    return keys.map(() => ({ error }));
  }
}

function checkValues<Values>(values: Values): Values {
  if (values instanceof Map) return values;
  throw new CacheError('LOAD_FAILED', 'loadMany must return a Map of values by key');
}
