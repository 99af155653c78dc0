import type { BusCapabilities, InvalidationBus } from '../bus/invalidation-bus.ts';
import { LIMITS } from '../protocol/limits.ts';
import { ALL_PROTECTIONS, type Protections, type Settings } from '../protocol/settings.ts';
import type { Runtime } from './runtime.ts';

/** A bus, or what makes one. */
export type GivenBus = InvalidationBus | (() => InvalidationBus);

/** One bus for all regions, or several among which they are divided. */
export type BusChoice = { readonly bus: GivenBus } | { readonly shards: readonly GivenBus[] };

/** How a process takes part in a cluster. Times in ms. */
export interface ClusterOptions {
  /** Clusters of different names never hear each other, even on one channel. At most 64 characters. */
  readonly name: string;
  /**
   * A bus, which must be within reach when the cluster is joined; or a function that makes one, which is
   * called again until a bus opens: then joining does not wait for the broker, and reads never do.
   */
  readonly bus?: GivenBus;
  /**
   * Instead of `bus`: 1 to 64 of them, each on a channel of its own, among which the regions are divided by hash. All
   * nodes need the same number, in the same order; where they differ, caches live by their own age (docs/scaling.md).
   */
  readonly shards?: readonly GivenBus[];
  /** Names this node for people. Default: host name and process id. At most 64 characters, no `/`. */
  readonly label?: string;
  /** X, the contract: no read returns a value that was invalidated longer ago than this. Default 30,000. */
  readonly maxStalenessMs?: number;
  /** A member that has not been heard for so long is forgotten. Default: 4 X, at least 120,000. */
  readonly forgetAfterMs?: number;
  /** A restarted node supersedes its former incarnation at once. Only where labels are unique. Default `false`. */
  readonly uniqueLabel?: boolean;
  /**
   * How many nodes there are, where that is fixed: a cluster that starts anew then trusts what it hears once so many
   * have found each other. Leave it out where nodes are added: too few would take themselves for all.
   */
  readonly expectedNodes?: number;
  /** How long a guarded write may take before an alarm is raised. Default X / 3. */
  readonly guardMaxMs?: number;
  /** What then happens: the others wait for its end (`hold`), or trust again before it (`release`). Default `hold`. */
  readonly onGuardTimeout?: 'hold' | 'release';
  /** Keep X although the control traffic then grows with the cluster. Default `false`. */
  readonly strict?: boolean;
  /** What a message without a frame may do: a person in the room, a plain JMS or AMQP program. Default `accept`. */
  readonly foreign?: Settings['foreign'];
  /** How long to stay after saying bye, to answer requests for repair. Default 1,000. */
  readonly lingerMs?: number;
  /** Ends the wait for the bus. */
  readonly signal?: AbortSignal;
  /** Replaces clocks, timers and chance, for tests and simulation. */
  readonly runtime?: Runtime;
  /** Switches protections off, for tests that show what each is good for. */
  readonly unprotected?: Partial<Protections>;
}

/** What a bus says of itself that matters to the core. */
type BusLimits = Pick<BusCapabilities, 'maxFrameBytes' | 'framesInFlight'>;

/** @throws {TypeError} that names the option and says what is expected */
export function resolveSettings(options: ClusterOptions, bus: BusLimits): Settings {
  const { maxFrameBytes, framesInFlight = LIMITS.window } = bus;
  const { name } = options;
  if (typeof name !== 'string' || name.length === 0 || name.length > LIMITS.nameLength) {
    throw new TypeError(`name must be 1 to ${LIMITS.nameLength} characters, got ${show(name)}`);
  }
  const label = options.label ?? `node-${process.pid}`;
  if (typeof label !== 'string' || !/^[^/]{1,48}$/.test(label)) {
    throw new TypeError(`label must be 1 to 48 characters without "/", got ${show(label)}`);
  }
  if (maxFrameBytes < LIMITS.minFrameBytes) {
    throw new TypeError(
      `the bus takes frames of ${maxFrameBytes} bytes; a cluster needs ${LIMITS.minFrameBytes}`,
    );
  }
  if (!(
    Number.isSafeInteger(framesInFlight) &&
    framesInFlight >= 1 &&
    framesInFlight <= LIMITS.widestWindow
  )) {
    throw new TypeError(
      `the bus asks for ${framesInFlight} frames in flight; expected 1 to ${LIMITS.widestWindow}`,
    );
  }
  const maxStalenessMs = atLeast(100, 'maxStalenessMs', options.maxStalenessMs, 30_000);
  const { expectedNodes, foreign = 'accept' } = options;
  if (expectedNodes !== undefined && (!Number.isSafeInteger(expectedNodes) || expectedNodes < 1)) {
    throw new TypeError(`expectedNodes must be a whole number from 1, got ${show(expectedNodes)}`);
  }
  if (foreign !== 'accept' && foreign !== 'ignore' && typeof foreign.allow !== 'function') {
    throw new TypeError(`foreign must be "accept", "ignore" or { allow }, got ${show(foreign)}`);
  }
  return {
    cluster: name,
    label,
    maxStalenessMs,
    forgetAfterMs: atLeast(
      maxStalenessMs,
      'forgetAfterMs',
      options.forgetAfterMs,
      Math.max(4 * maxStalenessMs, 120_000),
    ),
    maxFrameBytes,
    framesInFlight,
    uniqueLabel: options.uniqueLabel ?? false,
    expectedNodes,
    guardMaxMs: atLeast(1, 'guardMaxMs', options.guardMaxMs, maxStalenessMs / 3),
    onGuardTimeout: options.onGuardTimeout ?? 'hold',
    strict: options.strict ?? false,
    foreign: typeof foreign === 'object' ? { allow: contained(foreign.allow) } : foreign,
    features: [],
    shards: options.shards?.length ?? 1,
    protections: { ...ALL_PROTECTIONS, ...options.unprotected },
  };
}

/** A rule of the application that throws allows nothing, and does not stop the node. */
function contained(
  allow: (sender: string | undefined) => boolean,
): (sender: string | undefined) => boolean {
  return (sender) => {
    try {
      return allow(sender);
    } catch {
      return false;
    }
  };
}

function atLeast(least: number, name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) {
    throw new TypeError(`${name} must be a number of ms from ${least}, got ${show(value)}`);
  }
  return value;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}
