/**
 * Truncated exponential backoff with full jitter: a wait drawn evenly from 0 to the ceiling of the attempt,
 * so that a cluster whose broker returns does not come back as one wave.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(
  attempt: number,
  limits: { readonly baseMs: number; readonly capMs: number },
  random: () => number,
): number {
  const ceiling = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceiling);
}
