import { mkdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Leaves a socket whose listener is dead, as a killed hub does. */
export async function leaveStaleSocket(place: string): Promise<void> {
  mkdirSync(place, { mode: 0o700, recursive: true });
  const server = createServer();
  const bound = join(place, 'bound');
  await new Promise<void>((resolve) => {
    server.listen(bound, resolve);
  });
  // A server that closes removes the path that it was bound to, and no other.
  await rename(bound, join(place, 'deadbeef.sock'));
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
