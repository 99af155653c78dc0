import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range that Linux hands out to outgoing connections (32768 and up): a port from there could be
 * taken by somebody's client while a killed broker is away, and the broker could not come back.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const MAX_TRIES = 200;

const taken = new Set<number>();

/** Finds a free port on 127.0.0.1. None is given twice in one process. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (taken.has(port)) continue;
    if (!(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
  throw new Error(
    `no free port between ${LOWEST_PORT} and ${HIGHEST_PORT} after ${MAX_TRIES} tries`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
