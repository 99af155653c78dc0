import type { Runtime } from '../cluster/runtime.ts';
import { CacheError } from './cache-error.ts';
import type { BulkLoader, CacheOptions, Loader } from './cache-options.ts';
import type { CacheCounters } from './cache-stats.ts';
import { Flights, type Flight } from './flights.ts';
import type { Store, Ticket } from './store.ts';
import { traced } from './tracing.ts';

/** How a cache gets what it does not have: each load under a ticket, shared by those who may share it. */
export class Loading<Value> {
  readonly #region: string;
  readonly #options: CacheOptions<Value>;
  readonly #store: Store<Value>;
  readonly #counters: CacheCounters;
  readonly #flights: Flights<Value>;
  readonly #random: () => number;

  constructor(
    region: string,
    options: CacheOptions<Value>,
    parts: {
      readonly store: Store<Value>;
      readonly counters: CacheCounters;
      readonly runtime: Runtime;
    },
  ) {
    this.#region = region;
    this.#options = options;
    this.#store = parts.store;
    this.#counters = parts.counters;
    this.#random = () => parts.runtime.random();
    const timeoutMs = options.loadTimeoutMs ?? 30_000;
    this.#flights = new Flights({ region, runtime: parts.runtime, timeoutMs });
  }

  /** Loads under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** The value of `key` by a load that a reader may join now, or by a new one. */
  one(key: string, loader: Loader<Value> | undefined, signal?: AbortSignal): Promise<Value> {
    const flight = this.#joinable(key) ?? this.#start(key, loader);
    return this.#flights.join(flight, signal);
  }

  /** The values of `keys`, with one call of `loader` for all that no load under way will bring. */
  async many(
    keys: readonly string[],
    loader: BulkLoader<Value>,
    signal?: AbortSignal,
  ): Promise<(readonly [string, Value])[]> {
    const flights = new Map<string, Flight<Value>>();
    const missing: string[] = [];
    for (const key of keys) {
      const flight = this.#joinable(key);
      if (flight === undefined) missing.push(key);
      else flights.set(key, flight);
    }
    for (const [key, flight] of this.#startMany(missing, loader)) flights.set(key, flight);
    return await Promise.all(
      [...flights].map(
        async ([key, flight]) => [key, await this.#flights.join(flight, signal)] as const,
      ),
    );
  }

  /** Loads again in the background what is about to expire. */
  refresh(key: string): void {
    const loader = this.#options.load;
    if (loader === undefined || this.#joinable(key, { counted: false }) !== undefined) return;
    this.#counters.refreshes += 1;
    // Nobody waits for it: a failure is counted, and the next reader tries again.
    this.#start(key, loader).result.catch(() => undefined);
  }

  abortAll(reason: Error): void {
    this.#flights.abortAll(reason);
  }

  #joinable(key: string, { counted = true } = {}): Flight<Value> | undefined {
    const flight = this.#flights.latest(key);
    if (flight === undefined || flight.abort.signal.aborted) return undefined;
    if (!this.#store.isJoinable(flight.ticket)) return undefined;
    this.#flights.refuseRecursion([key]);
    if (counted) this.#counters.joinedLoads += 1;
    return flight;
  }

  #start(key: string, loader: Loader<Value> | undefined): Flight<Value> {
    if (loader === undefined) {
      const message = `the cache ${JSON.stringify(this.#region)} has no loader; give \`load\` to the cache or to the call`;
      throw new TypeError(message);
    }
    this.#flights.refuseRecursion([key]);
    const abort = new AbortController();
    const ticket = this.#store.issue(key);
    const result = this.#load(ticket, loader, abort, { fresh: false });
    return this.#flights.add(ticket, result, abort);
  }

  async #load(
    ticket: Ticket,
    loader: Loader<Value>,
    abort: AbortController,
    { fresh }: { readonly fresh: boolean },
  ): Promise<Value> {
    const { key } = ticket;
    let ageMs = 0;
    const context = {
      signal: abort.signal,
      fresh,
      setAge: (age: number): void => {
        ageMs = checkAge(age);
      },
    };
    this.#counters.loads += 1;
    const value = await this.#guarded(1, () =>
      traced('unstale:load', { region: this.#region, keys: [key] }, () =>
        this.#flights.run([key], abort, () => loader(key, context)),
      ),
    );
    if (ageMs > 0 && !fresh && this.#isLaundered(ticket, value, ageMs)) {
      this.#store.return();
      this.#counters.voidedLoads += 1;
      return await this.#load(this.#store.issue(key), loader, abort, { fresh: true });
    }
    this.#redeem(ticket, value, ageMs);
    return value;
  }

  #startMany(
    keys: readonly string[],
    loader: BulkLoader<Value>,
  ): ReadonlyMap<string, Flight<Value>> {
    const flights = new Map<string, Flight<Value>>();
    if (keys.length === 0) return flights;
    this.#flights.refuseRecursion(keys);
    const shared = new AbortController();
    const tickets = keys.map((key) => this.#store.issue(key));
    let ageMs = 0;
    const context = {
      signal: shared.signal,
      fresh: false,
      setAge: (age: number): void => {
        ageMs = checkAge(age);
      },
    };
    this.#counters.loads += 1;
    const loading = this.#guarded(tickets.length, () =>
      traced('unstale:load', { region: this.#region, keys }, () =>
        this.#flights.run(keys, shared, async () => checkValues(await loader(keys, context))),
      ),
    );
    let wanted = keys.length;
    for (const ticket of tickets) {
      const abort = new AbortController();
      abort.signal.addEventListener('abort', () => {
        wanted -= 1;
        // The one call serves many keys: it is given up when nobody waits for any of them.
        if (wanted === 0) shared.abort(abort.signal.reason);
      });
      const result = loading.then((values) => {
        // A key that is missing counts as `undefined`, as BulkLoader says.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        const value = values.get(ticket.key) as Value;
        this.#redeem(ticket, value, ageMs);
        return value;
      });
      flights.set(ticket.key, this.#flights.add(ticket, result, abort));
    }
    return flights;
  }

  /** Runs a loader on behalf of `tickets` tickets; when it fails they are given back. */
  async #guarded<Result>(tickets: number, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      for (let ticket = 0; ticket < tickets; ticket += 1) this.#store.return();
      this.#counters.failedLoads += 1;
      throw error;
    }
  }

  /** The value is older than something that was dropped here since: a second level has kept it too long (LOAD-4). */
  #isLaundered(ticket: Ticket, value: Value, ageMs: number): boolean {
    const sinceMs = ticket.loadStartMs - ageMs;
    return this.#store.droppedSince(sinceMs, ticket.key, this.#tagsOf(ticket.key, value));
  }

  #redeem(ticket: Ticket, value: Value, ageMs: number): void {
    let tags: readonly string[];
    try {
      tags = this.#tagsOf(ticket.key, value);
    } catch (error) {
      this.#store.return();
      throw error;
    }
    const loadStartMs = ticket.loadStartMs - ageMs;
    const laundered = ageMs > 0 && this.#store.droppedSince(loadStartMs, ticket.key, tags);
    const ttlMs = laundered ? 0 : this.#ttlMs(value);
    const outcome = this.#store.redeem({ ...ticket, loadStartMs }, value, tags, ttlMs);
    if (outcome === 'voided') this.#counters.voidedLoads += 1;
  }

  #ttlMs(value: Value): number {
    const {
      ttlMs = Number.POSITIVE_INFINITY,
      negativeTtlMs,
      ttlJitter = 0,
      maxTtlMs,
    } = this.#options;
    const isNegative = value === undefined || value === null;
    const ttl = isNegative ? (negativeTtlMs ?? ttlMs) : ttlMs;
    const jittered = ttlJitter === 0 ? ttl : ttl * (1 - ttlJitter * this.#random());
    return Math.min(jittered, maxTtlMs ?? Number.POSITIVE_INFINITY);
  }

  #tagsOf(key: string, value: Value): readonly string[] {
    const { tags } = this.#options;
    if (tags === undefined) return [];
    let found: unknown;
    try {
      found = tags(key, value);
    } catch (cause) {
      const message = `the tag function threw for ${JSON.stringify(key)}; see \`cause\``;
      throw new CacheError('TAGS_INVALID', message, { cause });
    }
    if (Array.isArray(found) && found.every((tag) => typeof tag === 'string' && tag.length > 0)) {
      return found;
    }
    const message = `the tag function returned something else than a list of strings for ${JSON.stringify(key)}`;
    throw new CacheError('TAGS_INVALID', message);
  }
}

function checkAge(ageMs: number): number {
  if (!(typeof ageMs === 'number' && ageMs >= 0)) {
    throw new TypeError(`setAge takes a number of ms from 0, got ${String(ageMs)}`);
  }
  return ageMs;
}

function checkValues<Values>(values: Values): Values {
  if (values instanceof Map) return values;
  throw new CacheError('LOAD_FAILED', 'loadMany must return a Map of values by key');
}
