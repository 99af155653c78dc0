import type { Cause } from '../protocol/effect.ts';

/** What of one region is to be dropped. */
export interface RegionSelection {
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
}

/** What holds values of a region on this node, and drops them when it is told to. */
export interface RegionTarget {
  /** Drops what is named: entries and loads in flight alike. Must not throw. */
  drop(selection: RegionSelection, cause: Cause): void;
  /** Drops everything that was loaded before now: entries and loads in flight alike. Must not throw. */
  flush(cause: Cause): void;
  /** Neither stores nor serves what is named until `lift` is called with the same `guard`. */
  quarantine(guard: number, selection: RegionSelection): void;
  lift(guard: number): void;
}

/** What a read needs to know of its region: two numbers, kept current by the node (READ-1). */
export interface RegionTrust {
  /** The local time up to which everything published to the region has been applied here, in ms. */
  proofMs: number;
  /** The staleness bound in force, in ms. */
  boundMs: number;
}
