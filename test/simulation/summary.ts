import type { Outcome } from './run-schedule.ts';

/** Seeds that are named for each invariant. */
const NAMED_SEEDS = 20;

/** What must have happened at least once in ten thousand schedules: else something is never tested (PROTOCOL 8.4). */
export const SOMETIMES: readonly string[] = [
  'hit by proof',
  'hit by TTL',
  'load joined',
  'gap closed by repair',
  'gap closed by fence',
  'repair folded to a flush',
  'as many ranges as are kept',
  'counter nacksSuppressed',
  'counter duplicates',
  'duplicate delivered',
  'queue overflow',
  'member left by bye',
  'member left by bye, incomplete',
  'member left by silence',
  'member left by superseded',
  'settled by peer',
  'settled by expected',
  'settled by time',
  'reserved number pending while beating',
  'guard alarm',
  'barrier by acks',
  'barrier by lease',
  'foreign message adopted',
];

/** What came of many schedules, as plain data: it travels between processes. */
export interface Summary {
  seeds: number;
  events: number;
  simulatedMs: number;
  cpuMs: number;
  /** Schedules that ended early because they broke an assumption, by its name. */
  broken: Record<string, number>;
  worstStaleMs: number;
  worstShare: number;
  violations: Record<string, { count: number; seeds: number[] }>;
  counts: Record<string, number>;
}

export function newSummary(): Summary {
  return {
    seeds: 0,
    events: 0,
    simulatedMs: 0,
    cpuMs: 0,
    broken: {},
    worstStaleMs: 0,
    worstShare: 0,
    violations: {},
    counts: {},
  };
}

export function addOutcome(summary: Summary, outcome: Outcome): void {
  summary.seeds += 1;
  summary.events += outcome.events;
  summary.simulatedMs += outcome.simulatedMs;
  summary.worstStaleMs = Math.max(summary.worstStaleMs, outcome.worstStaleMs);
  summary.worstShare = Math.max(summary.worstShare, outcome.worstShare);
  for (const [name, count] of outcome.counts) bump(summary.counts, name, count);
  if (outcome.broken !== undefined) bump(summary.broken, outcome.broken, 1);
  if (outcome.violation === undefined) return;
  noteViolations(summary, outcome.violation.invariant, 1, [outcome.seed]);
}

export function mergeSummary(into: Summary, part: Summary): void {
  into.seeds += part.seeds;
  into.events += part.events;
  into.simulatedMs += part.simulatedMs;
  into.cpuMs += part.cpuMs;
  into.worstStaleMs = Math.max(into.worstStaleMs, part.worstStaleMs);
  into.worstShare = Math.max(into.worstShare, part.worstShare);
  for (const [name, count] of Object.entries(part.counts)) bump(into.counts, name, count);
  for (const [name, count] of Object.entries(part.broken)) bump(into.broken, name, count);
  for (const [name, { count, seeds }] of Object.entries(part.violations)) {
    noteViolations(into, name, count, seeds);
  }
}

export function violationCount(summary: Summary): number {
  return Object.values(summary.violations).reduce((sum, { count }) => sum + count, 0);
}

/** The "sometimes" counters that are zero although there were schedules enough. */
export function neverHappened(summary: Summary): string[] {
  if (summary.seeds < 10_000) return [];
  return SOMETIMES.filter((name) => (summary.counts[name] ?? 0) === 0);
}

function noteViolations(summary: Summary, name: string, count: number, seeds: number[]): void {
  const known = summary.violations[name] ?? { count: 0, seeds: [] };
  known.count += count;
  const named = [...known.seeds, ...seeds].toSorted((a, b) => a - b);
  known.seeds = named.slice(0, NAMED_SEEDS);
  summary.violations[name] = known;
}

function bump(counts: Record<string, number>, name: string, by: number): void {
  counts[name] = (counts[name] ?? 0) + by;
}
