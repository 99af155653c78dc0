import type { BusCapabilities } from './invalidation-bus.ts';

/** The bounds of a bus made by `createBus`. Every wait and every queue of the engine is here by name. */
export interface BusTuning {
  /** How long one attempt to attach may take, in ms. Default 10,000. */
  readonly attachTimeoutMs?: number;
  /** How long the broker may take to accept a frame, in ms. Default 10,000. */
  readonly confirmTimeoutMs?: number;
  /**
   * How long a frame of our own may take to come back before the link counts as deaf and is attached again,
   * in ms. Default 10,000.
   */
  readonly loopbackTimeoutMs?: number;
  /** How long a link may take to release what it holds, in ms. Default 2,000. */
  readonly detachTimeoutMs?: number;
  /** The ceiling of the first wait before attaching again, in ms; doubled with every failure. Default 100. */
  readonly retryBaseMs?: number;
  /** The highest ceiling of that wait, in ms. Default 5,000. */
  readonly retryCapMs?: number;
  /** Frames published and not yet confirmed; one more is rejected with `BUS_REJECTED`. Default 16,384. */
  readonly maxUnconfirmedFrames?: number;
  /** Frames heard while an attachment is still resolving; more are dropped and owned up to as a `gap`. Default 10,000. */
  readonly maxHeldFrames?: number;
  /** Lowers the driver's own `maxFrameBytes`. */
  readonly maxFrameBytes?: number;
  /** Told of everything that a receiver throws. Default: one process warning per bus. */
  readonly onReceiverError?: (error: unknown) => void;
  /** Replaces the global timers, for tests and simulation. */
  readonly timers?: BusTimers;
  /** Replaces `Math.random`, for tests and simulation. */
  readonly random?: () => number;
}

export interface BusTimers {
  /** Calls `callback` once after `delayMs`; returns what cancels it. */
  set(callback: () => void, delayMs: number): () => void;
}

export type ResolvedTuning = Required<Omit<BusTuning, 'maxFrameBytes'>> & {
  readonly capabilities: BusCapabilities;
};

export function resolveTuning(tuning: BusTuning, driver: BusCapabilities): ResolvedTuning {
  const maxFrameBytes = Math.min(
    driver.maxFrameBytes,
    count('maxFrameBytes', tuning.maxFrameBytes, driver.maxFrameBytes),
  );
  return {
    attachTimeoutMs: duration('attachTimeoutMs', tuning.attachTimeoutMs, 10_000),
    confirmTimeoutMs: duration('confirmTimeoutMs', tuning.confirmTimeoutMs, 10_000),
    loopbackTimeoutMs: duration('loopbackTimeoutMs', tuning.loopbackTimeoutMs, 10_000),
    detachTimeoutMs: duration('detachTimeoutMs', tuning.detachTimeoutMs, 2_000),
    retryBaseMs: duration('retryBaseMs', tuning.retryBaseMs, 100),
    retryCapMs: duration('retryCapMs', tuning.retryCapMs, 5_000),
    maxUnconfirmedFrames: count('maxUnconfirmedFrames', tuning.maxUnconfirmedFrames, 16_384),
    maxHeldFrames: count('maxHeldFrames', tuning.maxHeldFrames, 10_000),
    onReceiverError: tuning.onReceiverError ?? warnOnce(),
    timers: tuning.timers ?? systemTimers,
    random: tuning.random ?? Math.random,
    capabilities: Object.freeze({ ...driver, maxFrameBytes }),
  };
}

/** The longest wait that Node's timers know; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function duration(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0 && value <= LONGEST_TIMER_MS)) {
    throw new TypeError(
      `tuning.${name} must be a number above 0 and at most ${LONGEST_TIMER_MS}, got ${String(value)}`,
    );
  }
  return value;
}

function count(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`tuning.${name} must be a whole number above 0, got ${String(value)}`);
  }
  return value;
}

const systemTimers: BusTimers = {
  set(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

function warnOnce(): (error: unknown) => void {
  let warned = false;
  return (error) => {
    if (warned) return;
    warned = true;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`a bus receiver threw; the bus goes on. ${text}`, 'UnstaleWarning');
  };
}
