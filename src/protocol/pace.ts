import { TIMES, type Settings } from './settings.ts';

/** More beats than one in so many milliseconds would be a flood, whatever a peer announces. */
const SHORTEST_INTERVAL_MS = 20;

/** So many mean intervals fit into the bound: room for about two losses in a row. */
const INTERVALS_PER_BOUND = 6;

/** Up to this bound the whole cluster's control traffic is capped as for this bound, in ms. */
const USUAL_BOUND_MS = 30_000;

/**
 * H, the mean interval between the beats of one node, in ms: a sixth of the bound, or so long that the
 * whole cluster sends about ten control messages a second (as RTCP does, RFC 3550 section 6.2). A bound
 * below 30 s asks for proportionally more, so that the cap begins with 50 nodes whatever the bound.
 * `announcedMs` is the smallest interval that a peer asks for: its bound depends on our beats.
 */
export function beatPace(settings: Settings, nodes: number, announcedMs: number): number {
  const wantedMs = Math.min(settings.maxStalenessMs / INTERVALS_PER_BOUND, announcedMs);
  const intervalMs = settings.strict ? wantedMs : Math.max(wantedMs, cappedMs(wantedMs, nodes));
  return Math.max(SHORTEST_INTERVAL_MS, intervalMs);
}

/** The bound in force, in ms: X, or more where the cluster is too large for its beats to keep X. */
export function boundInForceMs(settings: Settings, nodes: number): number {
  const { maxStalenessMs, strict } = settings;
  if (strict) return maxStalenessMs;
  const cap = cappedMs(maxStalenessMs / INTERVALS_PER_BOUND, nodes);
  return Math.max(maxStalenessMs, INTERVALS_PER_BOUND * cap);
}

/** D in force, in ms: longer in a cluster so large that its beats are further apart. */
export function forgetAfterInForceMs(settings: Settings, nodes: number): number {
  return settings.forgetAfterMs * (boundInForceMs(settings, nodes) / settings.maxStalenessMs);
}

function cappedMs(wantedMs: number, nodes: number): number {
  const share = Math.min(1, (wantedMs * INTERVALS_PER_BOUND) / USUAL_BOUND_MS);
  return nodes * TIMES.perNode * share;
}
