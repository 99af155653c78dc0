import { createHash } from 'node:crypto';

import type { MeetingPlace } from './meeting-place.ts';

/**
 * The place on Windows: a named pipe. The system lets one process make its first instance, and removes it
 * with that process, so nothing can be stale.
 */
export class NamedPipe implements MeetingPlace {
  readonly key: string;

  constructor(options: { readonly folder: string; readonly channel: string }) {
    const { folder, channel } = options;
    const hash = createHash('sha256')
      .update(JSON.stringify([folder, channel]))
      .digest('hex');
    this.key = `\\\\.\\pipe\\unstale-${hash.slice(0, 32)}`;
  }

  async find(): Promise<string> {
    return this.key;
  }

  async forget(): Promise<void> {}

  async claim(listen: (address: string) => Promise<void>): Promise<string | undefined> {
    try {
      await listen(this.key);
      return this.key;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
        return undefined;
      throw error;
    }
  }

  async stands(): Promise<boolean> {
    return true;
  }
}
