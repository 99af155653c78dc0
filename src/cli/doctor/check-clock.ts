import { ok, warning, type Finding } from './finding.ts';

/** The rate error that the staleness bound allows for (docs/protocol.md, A2), and what reading two clocks is off by, in ms. */
const RATE_ERROR = 1e-3;
const READING_ERROR_MS = 20;

/**
 * Begins to compare the wall clock with the monotonic one; what is returned says how far they have drifted apart.
 * A clock that is stepped, or that runs much too fast or slow, makes this node's entries older than they are.
 */
export function watchClock(): () => Finding {
  const startMs = performance.now();
  const startOffsetMs = Date.now() - startMs;
  return () => {
    const elapsedMs = performance.now() - startMs;
    const driftMs = Date.now() - performance.now() - startOffsetMs;
    const allowedMs = READING_ERROR_MS + elapsedMs * RATE_ERROR;
    const text = `the wall clock moved by ${driftMs.toFixed(1)} ms against the monotonic one in ${(elapsedMs / 1_000).toFixed(1)} s`;
    if (Math.abs(driftMs) <= allowedMs) return ok('clock', text);
    return warning('clock', text, CLOCK_ADVICE);
  };
}

const CLOCK_ADVICE =
  'somebody sets the clock of this machine while it runs: let chrony or systemd-timesyncd slew it instead of stepping it';
