import type { RegionTrust } from '../cluster/region.ts';

/**
 * READ-1: a value may be served if it is young enough, counted from the start of its load or from the
 * moment up to which everything published to its region is known to be applied here, whichever is later.
 * Evaluated at every read.
 */
export function isTrusted(loadStartMs: number, trust: RegionTrust, localMs: number): boolean {
  const trustedMs = loadStartMs > trust.proofMs ? loadStartMs : trust.proofMs;
  return localMs - trustedMs < trust.boundMs;
}
