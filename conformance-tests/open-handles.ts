/** Kinds that come and go with any activity and keep no process alive for long. */
const PASSING = new Set(['Immediate', 'FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap']);

/** What keeps the process alive now, by kind. */
export function openHandles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!PASSING.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/**
 * Waits until no more handles are open than `before`. Sockets close over some turns of the event loop and
 * nobody tells, so this is the one wait that must look again and again.
 * @throws {Error} naming what is still open when the bound passes
 */
export async function handlesGone(
  before: ReadonlyMap<string, number>,
  boundMs: number,
): Promise<void> {
  const deadlineMs = performance.now() + boundMs;
  for (;;) {
    const extra = Array.from(openHandles())
      .map(([kind, count]) => ({ kind, more: count - (before.get(kind) ?? 0) }))
      .filter(({ more }) => more > 0);
    if (extra.length === 0) return;
    if (performance.now() > deadlineMs) {
      const names = extra.map(({ kind, more }) => `${more} ${kind}`).join(', ');
      throw new Error(`handles left open after ${boundMs} ms: ${names}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
