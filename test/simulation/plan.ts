import { Prng } from './prng.ts';

/** The kinds of faults of PROTOCOL 8.3. Each schedule has some of them. */
export const FAULTS = [
  'loss',
  'bursts',
  'duplication',
  'heavy-tail',
  'reordering',
  'clog',
  'swizzle-clog',
  'slow-outbound',
  'one-way',
  'partition',
  'cells',
  'broker-restart',
  'overflow',
  'new-session',
  'resumed-session',
  'deaf',
  'no-loopback',
  'unconfirmed',
  'crash',
  'crash-in-write',
  'kill-all',
  'pause',
  'pause-in-write',
  'drift',
  'wall-jump',
  'suspend',
  'late-timers',
  'garbage',
  'replay',
  'unknown-version',
  'newer-node',
  'join',
  'join-isolated',
  'bye',
  'config-mismatch',
  'slow-loads',
  'failing-loads',
  'replica-lag',
  'guard-abort',
  'guard-hang',
  'people',
  'storm',
] as const;

export type Fault = (typeof FAULTS)[number];

/** One schedule, decided by its seed. Times in ms. */
export interface Plan {
  readonly seed: number;
  readonly nodes: number;
  readonly maxStalenessMs: number;
  readonly forgetAfterMs: number;
  /** How long faults and work last; healing comes after it. */
  readonly safetyMs: number;
  readonly faults: ReadonlySet<Fault>;
  readonly uniqueLabel: boolean;
  /** What the nodes that the cluster starts with are told; those who join later are not. */
  readonly expectedNodes: number | undefined;
  readonly strict: boolean;
  readonly onGuardTimeout: 'hold' | 'release';
  readonly onUnproven: 'ttl' | 'bypass' | 'flush';
  readonly maxEntries: number;
  readonly repairBatches: number;
  readonly regions: readonly string[];
  readonly keysPerRegion: number;
  readonly startWithinMs: number;
  readonly latencyMs: number;
  readonly lossRate: number;
  readonly loadMs: number;
  readonly replicaLagMs: number;
  readonly readEveryMs: number;
  readonly writeEveryMs: number;
  readonly guardedShare: number;
  /** The largest relative error of a node's clock rate. */
  readonly rateError: number;
}

/** What a seed decides. `without` takes faults out and leaves the rest of the schedule as it was. */
export function makePlan(seed: number, without: ReadonlySet<Fault> = new Set()): Plan {
  const chance = new Prng(seed).split('plan');
  const nodes = chance.chance(0.02) ? 7 : (chance.pick([2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5]) ?? 3);
  const maxStalenessMs = chance.pick([1_500, 2_000, 3_000, 3_000, 4_000]) ?? 3_000;
  // A few are so long that a request for repair is given up before everything heals.
  const long = chance.chance(0.02);
  const safetyMs = maxStalenessMs * (long ? 4 : 1) * chance.between(2, 3.2);
  const intensity = chance.pick([0.04, 0.12, 0.2]) ?? 0.12;
  const drawn = FAULTS.filter((fault) => chance.chance(LIKELY[fault] ?? intensity));
  const faults = new Set(drawn.filter((fault) => !without.has(fault)));
  const forgetsSoon = chance.chance(0.15);
  const has = (fault: Fault): boolean => faults.has(fault);
  return {
    seed,
    nodes,
    maxStalenessMs,
    // Most schedules keep A6 by a D that no cut outlasts; the others look at what happens around D.
    forgetAfterMs: forgetsSoon ? 2.5 * maxStalenessMs : safetyMs + 1.2 * maxStalenessMs,
    safetyMs,
    faults,
    uniqueLabel: chance.chance(0.4),
    expectedNodes: chance.chance(0.85) ? nodes : undefined,
    strict: chance.chance(0.3),
    onGuardTimeout: 'hold',
    onUnproven: chance.pick(['ttl', 'ttl', 'ttl', 'ttl', 'ttl', 'bypass', 'flush']) ?? 'ttl',
    maxEntries: chance.pick([2, 16, 16]) ?? 16,
    repairBatches: chance.pick([4, 4_096]) ?? 4_096,
    regions: chance.chance(0.25) ? ['a', 'b'] : ['a'],
    keysPerRegion: 1 + chance.below(5),
    startWithinMs: chance.pick([0, 100, 1_000]) ?? 0,
    latencyMs: chance.pick([1, 5, 20, 80]) ?? 5,
    lossRate: chance.pick([0.02, 0.1, 0.3, 0.5]) ?? 0.1,
    loadMs: chance.pick([5, 30, 200]) ?? 30,
    replicaLagMs: has('replica-lag') ? chance.between(20, 400) : 0,
    readEveryMs: chance.pick([80, 200, 500]) ?? 200,
    writeEveryMs: chance.pick([150, 500, 1_500]) ?? 500,
    guardedShare: chance.pick([0.5, 0.8, 1]) ?? 0.8,
    rateError: has('drift') ? 2e-3 : 5e-4,
  };
}

/**
 * How likely a fault is where that is not for the seed to say: some end what a schedule could still show.
 * Without loopback there is a third less to simulate, and the core makes little of it.
 */
const LIKELY: Partial<Record<Fault, number>> = {
  'no-loopback': 0.6,
  'unknown-version': 0.03,
  'newer-node': 0.03,
  storm: 0.03,
  'kill-all': 0.04,
  'config-mismatch': 0.04,
  'replica-lag': 0.04,
  'slow-loads': 0.04,
  'guard-hang': 0.2,
};

/** A schedule without faults and without chance in what matters, for what is done to it on purpose. */
export function quietPlan(overrides: Partial<Plan> = {}): Plan {
  return {
    seed: 1,
    nodes: 2,
    maxStalenessMs: 3_000,
    forgetAfterMs: 60_000,
    safetyMs: Number.POSITIVE_INFINITY,
    faults: new Set(),
    uniqueLabel: false,
    expectedNodes: overrides.nodes ?? 2,
    strict: true,
    onGuardTimeout: 'hold',
    onUnproven: 'ttl',
    maxEntries: 16,
    repairBatches: 4_096,
    regions: ['a'],
    keysPerRegion: 1,
    startWithinMs: 0,
    latencyMs: 2,
    lossRate: 0,
    loadMs: 5,
    replicaLagMs: 0,
    readEveryMs: 100,
    writeEveryMs: 1_000,
    guardedShare: 1,
    rateError: 0,
    ...overrides,
  };
}
