import type { Counters } from './counters.ts';
import type { Effect } from './effect.ts';
import type { Instant } from './instant.ts';
import type { Settings } from './settings.ts';

export interface SendNote {
  /** What people see of it. */
  readonly summary?: string | undefined;
  /** What tells it apart from the other frames of this origin, where another sender could be mistaken for it (ID-2). */
  readonly name?: string;
}

/** What the parts of the core share: the moment, the way out, chance, and the settings. */
export interface Host {
  readonly settings: Settings;
  readonly counters: Counters;
  readonly now: Instant;
  readonly busOpen: boolean;
  /** What is published in one turn waits for its end, which will be told, so that it shares a frame. */
  readonly gathersTurns: boolean;
  /** Hands a frame to the bus; returns the id under which the bus will settle it. */
  send(frame: string, note?: SendNote): number;
  emit(effect: Effect): void;
  /** Evenly from 0 to 1. */
  random(): number;
}
