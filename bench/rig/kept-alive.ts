const AT_MOST_MS = 10_000;

/** Waits for the end of a child process that keeps no process alive: without it this one would end first, in silence. */
export async function keptAlive(end: () => Promise<void>): Promise<void> {
  const alive = setTimeout(() => undefined, AT_MOST_MS);
  try {
    await end();
  } finally {
    clearTimeout(alive);
  }
}
