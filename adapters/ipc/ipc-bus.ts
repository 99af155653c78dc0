import { userInfo, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type BusTuning, createBus, type InvalidationBus } from '../../src/index.ts';
import { IpcDriver } from './ipc-driver.ts';
import type { MeetingPlace } from './meeting-place.ts';
import { NamedPipe } from './named-pipe.ts';
import { MAX_HEARTBEAT_MS, MIN_HEARTBEAT_MS } from './record.ts';
import { SocketFolder } from './socket-folder.ts';

export interface IpcBusOptions {
  /** Processes of one machine, user, folder and channel hear each other. Any text but the empty one. */
  readonly channel: string;
  /** Where the sockets live: a folder that only this user can enter; made if missing. Default `unstale-<uid>` in the system's temporary folder. */
  readonly folder?: string;
  /** How often each end of a connection gives a sign of life, in ms; after three silent ones it is dead. Default 1,000. */
  readonly heartbeatMs?: number;
  readonly tuning?: BusTuning;
}

/**
 * A bus between processes of one machine, without a broker: the first process becomes the hub, and when it ends,
 * however it ends, another one takes over.
 * @throws {TypeError} if an option is out of range
 */
export function ipcBus(options: IpcBusOptions): InvalidationBus {
  const { heartbeatMs = 1_000, tuning = {} } = options;
  if (!(heartbeatMs >= MIN_HEARTBEAT_MS && heartbeatMs <= MAX_HEARTBEAT_MS)) {
    throw new TypeError(
      `options.heartbeatMs must be from ${MIN_HEARTBEAT_MS} to ${MAX_HEARTBEAT_MS}, got ${String(heartbeatMs)}`,
    );
  }
  const driver = new IpcDriver({ place: meetingPlace(options), heartbeatMs });
  // A hub is on this machine: it answers at once or not at all, and its successor should be found at once.
  return createBus(driver, {
    attachTimeoutMs: 5_000,
    retryBaseMs: 20,
    retryCapMs: 1_000,
    ...tuning,
  });
}

/** Where the processes of a channel meet. */
export function meetingPlace(options: {
  readonly channel: string;
  readonly folder?: string;
}): MeetingPlace {
  const {
    channel,
    folder = join(tmpdir(), `unstale-${process.getuid?.() ?? userInfo().username}`),
  } = options;
  if (typeof channel !== 'string' || channel === '') {
    throw new TypeError('options.channel must be a text of at least one character');
  }
  if (typeof folder !== 'string' || folder === '' || folder.includes('\u0000')) {
    throw new TypeError('options.folder must be the path of a folder');
  }
  if (process.platform === 'win32') return new NamedPipe({ folder, channel });
  return new SocketFolder({ folder: resolve(folder), channel });
}
