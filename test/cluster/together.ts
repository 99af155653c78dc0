/**
 * Tests that run side by side, each with a cluster of its own: they spend their time waiting for faults to be
 * noticed. Each is reported by its own name.
 */
export function together(
  timeoutMs: number,
  tests: Readonly<Record<string, () => Promise<void>>>,
): void {
  const runs = new Map<string, Promise<void>>();
  before(() => {
    for (const [title, run] of Object.entries(tests)) {
      const running = run();
      // It is awaited by its test, which may come later than the failure.
      running.catch(() => undefined);
      runs.set(title, running);
    }
  });
  for (const title of Object.keys(tests)) {
    it(title, async function () {
      this.timeout(timeoutMs);
      this.slow(timeoutMs);
      await runs.get(title);
    });
  }
}
