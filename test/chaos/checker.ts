import type { Commit, Read } from './history.ts';

export interface Verdict {
  readonly reads: number;
  readonly writes: number;
  /** Reads that returned a version although a newer one had been committed before they began. */
  readonly staleReads: number;
  /** The longest time from such a commit to the beginning of such a read, in ms. */
  readonly worstStalenessMs: number;
  /** Stale reads beyond the bound. */
  readonly violations: number;
  readonly finalReads: number;
  /** Keys that some node still served old after healing. */
  readonly staleAfterHealing: number;
}

/** The relative error of clock rates that the bound allows for (docs/protocol.md, A2). */
const CLOCK_RATE_ERROR = 1e-3;

/** Judges a merged history, after the fact. */
export function judge(
  reads: readonly Read[],
  commits: readonly Commit[],
  maxStalenessMs: number,
): Verdict {
  const committedAt = new Map<string, number[]>();
  for (const { key, version, atMs } of commits) {
    const times = committedAt.get(key) ?? [];
    times[version] = atMs;
    committedAt.set(key, times);
  }
  const boundMs = maxStalenessMs * (1 + 2 * CLOCK_RATE_ERROR);
  let staleReads = 0;
  let worstStalenessMs = 0;
  let violations = 0;
  let finalReads = 0;
  const staleKeys = new Set<string>();
  for (const { key, version, atMs, final } of reads) {
    if (final === true) finalReads += 1;
    const replacedAt = committedAt.get(key)?.[version + 1];
    if (replacedAt === undefined || replacedAt >= atMs) continue;
    const stalenessMs = atMs - replacedAt;
    staleReads += 1;
    worstStalenessMs = Math.max(worstStalenessMs, stalenessMs);
    if (stalenessMs > boundMs) violations += 1;
    if (final === true) staleKeys.add(key);
  }
  return {
    reads: reads.length,
    writes: commits.length,
    staleReads,
    worstStalenessMs,
    violations,
    finalReads,
    staleAfterHealing: staleKeys.size,
  };
}
