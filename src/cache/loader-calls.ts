import { CacheError } from './cache-error.ts';
import type { LoadContext } from './cache-options.ts';
import type { CacheCounters } from './cache-stats.ts';
import type { Flights } from './flights.ts';
import type { LoadCall } from './load-call.ts';
import type { Redemption } from './redemption.ts';
import type { Entry } from './shelf.ts';
import type { Store, Ticket } from './store.ts';
import { traced } from './tracing.ts';

/** What a loader is told, and how old it says that its values are. */
export interface Briefing {
  readonly context: LoadContext;
  /** In ms; `undefined` where it says nothing: read now. */
  readonly ageOf: (key: string) => number | undefined;
}

/** The calls of the loaders of one region, each on behalf of tickets that are used up in every case. */
export class LoaderCalls<Value> {
  readonly #region: string;
  readonly #sharedLevel: boolean;
  readonly #store: Store<Value>;
  readonly #counters: CacheCounters;
  readonly #flights: Flights<Value>;
  readonly #redemption: Redemption<Value>;

  constructor(
    region: string,
    parts: {
      readonly sharedLevel: boolean;
      readonly store: Store<Value>;
      readonly counters: CacheCounters;
      readonly flights: Flights<Value>;
      readonly redemption: Redemption<Value>;
    },
  ) {
    this.#region = region;
    this.#sharedLevel = parts.sharedLevel;
    this.#store = parts.store;
    this.#counters = parts.counters;
    this.#flights = parts.flights;
    this.#redemption = parts.redemption;
  }

  brief(call: LoadCall, fresh: boolean): Briefing {
    let ofAllMs: number | undefined;
    const ages = new Map<string, number>();
    const setAge = (ageMs: number, key?: string): void => {
      this.#checkAge(ageMs);
      if (key === undefined) ofAllMs = ageMs;
      else ages.set(key, ageMs);
    };
    return {
      context: { signal: call.abort.signal, fresh, setAge },
      ageOf: (key) => ages.get(key) ?? ofAllMs,
    };
  }

  /** Calls a loader on behalf of `tickets`; when it fails they are given back. */
  async call<Result>(
    tickets: readonly Ticket[],
    call: LoadCall,
    loader: () => Result | Promise<Result>,
  ): Promise<Result> {
    const keys = tickets.map(({ key }) => key);
    this.#counters.count('load', keys[0] ?? '');
    try {
      return await traced('unstale:load', { region: this.#region, keys }, () =>
        this.#flights.run(call, loader),
      );
    } catch (error) {
      for (const key of keys) {
        this.#store.return();
        this.#counters.count('failed', key);
      }
      throw error;
    }
  }

  /** Uses a ticket up for what was loaded. @throws {CacheError} `TAGS_INVALID`, `SIZE_INVALID` */
  redeem(ticket: Ticket, value: Value, ageMs: number | undefined): Entry<Value> | 'laundered' {
    try {
      const { entry, fate } = this.#redemption.redeem(ticket, value, ageMs);
      if (fate === 'laundered') return fate;
      if (fate === 'voided') this.#counters.count('voided', ticket.key);
      return entry;
    } catch (error) {
      this.#counters.count('failed', ticket.key);
      throw error;
    }
  }

  #checkAge(ageMs: number): void {
    if (!this.#sharedLevel) {
      throw new TypeError(
        'setAge needs the option `sharedLevel: true`: otherwise the cache does not remember what was invalidated',
      );
    }
    if (typeof ageMs === 'number' && ageMs >= 0) return;
    throw new TypeError(`setAge takes a number of ms from 0, got ${String(ageMs)}`);
  }
}

/** For a loader that was told `fresh` and is not to be believed. */
export function laundered(key: string): CacheError {
  const message = `the loader of ${JSON.stringify(key)} was told to pass the second level over (\`fresh\`), and says all the same that the value was read before an invalidation, or longer ago than is proven`;
  return new CacheError('LOAD_LAUNDERED', message);
}
