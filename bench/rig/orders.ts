import type { ContenderConfig } from './contender.ts';

/** What a member process is made for. Given on its command line. */
export interface MemberTask {
  readonly role: 'publisher' | 'subscriber';
  readonly contender: ContenderConfig;
  /** Contenders in this process. */
  readonly count: number;
}

/** An order that says no more than its name. */
type Nothing = Readonly<Record<string, never>>;

/** What a member process can be told, and what it answers. Times are CLOCK_MONOTONIC in ns, the same in all processes. */
export interface Orders {
  readonly ready: { readonly order: Nothing; readonly answer: true };
  /** Fills the caches with `keys` entries. */
  readonly warm: { readonly order: { readonly keys: number }; readonly answer: true };
  /** Publishes all keys, so many at a time. */
  readonly publish: {
    readonly order: { readonly keys: number; readonly concurrency: number };
    readonly answer: {
      readonly startNs: number;
      readonly acceptedNs: number;
      readonly cpuUs: number;
    };
  };
  /** Waits until nothing is left in the caches, or nothing has gone for a while. */
  readonly drain: {
    readonly order: Nothing;
    readonly answer: { readonly lost: number; readonly endNs: number; readonly cpuUs: number };
  };
  /** Publishes at a steady pace; answers when each call was made. */
  readonly pace: {
    readonly order: { readonly perSecond: number; readonly seconds: number };
    readonly answer: readonly number[];
  };
  /** From here on the time of each eviction is noted; it would count as the subscriber's work where nobody asks for it. */
  readonly listen: { readonly order: Nothing; readonly answer: true };
  /** When each key was dropped since `listen`, by its number; 0 if it was not. */
  readonly evictions: {
    readonly order: { readonly keys: number };
    readonly answer: readonly number[];
  };
  /** Sent so far by all contenders of the process, and its memory. */
  readonly census: {
    readonly order: Nothing;
    readonly answer: { readonly controlMessages: number; readonly rssBytes: number };
  };
  readonly close: { readonly order: Nothing; readonly answer: true };
}

export type OrderName = keyof Orders;

export function keyOf(number: number): string {
  return `article:${number}`;
}

export function numberOf(key: string): number {
  return Number(key.slice(8));
}
