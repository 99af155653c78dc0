import type { Coherence } from '../../src/protocol/coherence.ts';
import type { CallResult } from '../../src/protocol/effect.ts';
import type { Wait } from '../../src/protocol/input.ts';
import type { Origin } from '../../src/protocol/message.ts';
import type { Selection } from '../../src/protocol/selection.ts';
import type { Settings } from '../../src/protocol/settings.ts';
import type { Life } from './life.ts';
import type { Attached, Port } from './port.ts';
import type { NodeClock } from './node-clock.ts';
import type { Witness } from './witness.ts';

/** What a load will do, decided before it starts. Times in ms, from its start. */
export interface LoadPlan {
  readonly latencyMs: number;
  /** When it reads the source, or the state of the source that it reads; `undefined`: it fails. */
  readonly readsAfterMs: number | undefined;
}

export interface MemberOptions {
  readonly name: string;
  readonly port: Port;
  readonly clock: NodeClock;
  readonly settings: Settings;
  readonly witness: Witness;
  readonly random: () => number;
}

/** Ends a guarded write: what it has changed, how long to wait, and who is told of the outcome. */
export type EndWrite = (
  selection: Selection,
  wait: Wait,
  settled: (result: CallResult) => void,
) => void;

/** One incarnation of a node, as the schedule sees it. */
export interface Member extends Attached {
  readonly name: string;
  readonly port: Port;
  readonly clock: NodeClock;
  readonly settings: Settings;
  readonly witness: Witness;
  readonly life: Life;
  readonly core: Coherence;
  readonly origin: Origin;
  /** Attaches to the bus and takes part. */
  start(): void;
  /** Its process stands still; what comes meanwhile waits, and afterwards the timers run first. */
  pause(untilMs: number, frozen?: boolean): void;
  resume(): void;
  crash(): void;
  /** Says bye, and stays a little to answer requests for repair. */
  leave(lingerMs: number): void;
  /** The version that a read gets now, if it is a hit. */
  peek(region: string, key: string): number | undefined;
  /** Whether what was published to the region less than the bound ago is known to be applied. */
  isProven(region: string): boolean;
  /** A read that misses: it joins a load, or starts one that does what `plan` says. */
  load(region: string, key: string, plan: LoadPlan): void;
  invalidate(selection: Selection, wait: Wait, settled: (result: CallResult) => void): void;
  /** A guarded write starts. */
  guard(selection: Selection): EndWrite;
}
