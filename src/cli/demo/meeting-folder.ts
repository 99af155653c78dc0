import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder of this run's own, where the servers meet if the bus is `ipc:` and nothing else was said. The bus
 * makes it; both the demo and its servers remove it, so that it is gone even if one of them is killed.
 */
export function meetingFolder(): string {
  return join(tmpdir(), `unstale-demo-${randomBytes(6).toString('hex')}`);
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
