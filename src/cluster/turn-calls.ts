import { NAME_KINDS, type NameKind } from '../protocol/batch.ts';
import type { CallResult } from '../protocol/effect.ts';
import type { ByRegion, Selection } from '../protocol/selection.ts';

/** What was invalidated in one turn, for the protocol as one call. */
export interface TurnCall {
  readonly selection: Selection;
  readonly callers: number;
  readonly settle: (result: CallResult) => void;
}

/**
 * Gathers what is invalidated in one turn of the event loop by callers who wait for the broker's word and for nothing else.
 * They share a promise: a promise and a step of the protocol for each of them would cost more than the invalidation.
 */
export class TurnCalls {
  #turn: Turn | undefined;

  /** Names that wait for the end of the turn. */
  get size(): number {
    return this.#turn?.size ?? 0;
  }

  add(selection: Selection): Promise<CallResult> {
    this.#turn ??= new Turn();
    this.#turn.add(selection);
    return this.#turn.promise;
  }

  /** Ends the turn: what was gathered, if anything was. */
  take(): TurnCall | undefined {
    const turn = this.#turn;
    this.#turn = undefined;
    return turn;
  }
}

class Turn implements TurnCall {
  readonly promise: Promise<CallResult>;
  readonly #lists: Readonly<Record<NameKind, Map<string, string[]>>> = {
    keys: new Map(),
    tags: new Map(),
    prefixes: new Map(),
  };
  #regions: string[] | undefined;
  #all = false;
  #size = 0;
  #callers = 0;
  #settle: ((result: CallResult) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  readonly settle = (result: CallResult): void => {
    this.#settle?.(result);
  };

  get callers(): number {
    return this.#callers;
  }

  get size(): number {
    return this.#size;
  }

  get selection(): Selection {
    const { keys, tags, prefixes } = this.#lists;
    return {
      ...(keys.size === 0 ? {} : { keys: Object.fromEntries(keys) }),
      ...(tags.size === 0 ? {} : { tags: Object.fromEntries(tags) }),
      ...(prefixes.size === 0 ? {} : { prefixes: Object.fromEntries(prefixes) }),
      ...(this.#regions === undefined ? {} : { regions: this.#regions }),
      ...(this.#all ? { all: true } : {}),
    };
  }

  add(selection: Selection): void {
    this.#callers += 1;
    this.#all ||= selection.all === true;
    for (const kind of NAME_KINDS) {
      const lists = selection[kind];
      if (lists !== undefined) this.#addNames(kind, lists);
    }
    if (selection.regions === undefined) return;
    this.#regions = [...(this.#regions ?? []), ...selection.regions];
    this.#size += selection.regions.length;
  }

  #addNames(kind: NameKind, lists: ByRegion): void {
    const gathered = this.#lists[kind];
    for (const region of Object.keys(lists)) {
      const names = lists[region] ?? [];
      const own = gathered.get(region);
      if (own === undefined) gathered.set(region, [...names]);
      else for (const name of names) own.push(name);
      this.#size += names.length;
    }
  }
}
