import type { LoadCall } from './load-call.ts';
import type { Entry } from './shelf.ts';
import type { Ticket } from './store.ts';

/** One key of a load, for those who wait for it. */
export interface Flight<Value> {
  readonly call: LoadCall;
  /** Issued when the loader is called; a load that waits for its turn has none yet. */
  readonly ticket: Ticket | undefined;
  readonly result: Promise<Entry<Value>>;
}

/** A load of one key. */
export class SingleFlight<Value> implements Flight<Value> {
  readonly call: LoadCall;
  ticket: Ticket | undefined = undefined;
  readonly result: Promise<Entry<Value>>;

  constructor(call: LoadCall, load: (flight: SingleFlight<Value>) => Promise<Entry<Value>>) {
    this.call = call;
    this.result = load(this);
  }
}

/** What a load brought for a key: a value, or why there is none. */
export type Outcome<Value> = Entry<Value> | { readonly error: unknown };

/** One key of a load of many. Its promise is made only if somebody waits for this key: there can be a million. */
export class SharedFlight<Value> implements Flight<Value> {
  readonly call: LoadCall;
  readonly ticket: Ticket;
  readonly #index: number;
  readonly #outcomes: Promise<readonly Outcome<Value>[]>;

  /** `outcomes`: in the order of the keys, among which this one has `index`. */
  constructor(
    call: LoadCall,
    ticket: Ticket,
    index: number,
    outcomes: Promise<readonly Outcome<Value>[]>,
  ) {
    this.call = call;
    this.ticket = ticket;
    this.#index = index;
    this.#outcomes = outcomes;
  }

  get result(): Promise<Entry<Value>> {
    return this.#outcomes.then((outcomes) => {
      const own = outcomes[this.#index];
      if (own === undefined || 'error' in own) throw own?.error;
      return own;
    });
  }
}
