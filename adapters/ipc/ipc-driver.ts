import { setTimeout as wait } from 'node:timers/promises';

import {
  type BusCapabilities,
  type BusDriver,
  BusError,
  type Link,
  type LinkEvents,
} from '../../src/index.ts';
import { IpcLink } from './ipc-link.ts';
import { LocalPresence } from './local-presence.ts';
import type { MeetingPlace } from './meeting-place.ts';
import { MAX_FRAME_BYTES } from './record.ts';

/** How often one attempt looks for the hub: while one dies and another takes over, a few times. */
const MAX_ROUNDS = 20;
/**
 * The waits after a hub has hung up at once, as one does that is just closing, in ms.
 * What still hangs up then is left to the backoff of the engine.
 */
const HUNG_UP_WAITS_MS = [5, 20, 80, 320, 1_280];

export class IpcDriver implements BusDriver {
  readonly capabilities: BusCapabilities = {
    ordering: 'total',
    resumption: false,
    maxFrameBytes: MAX_FRAME_BYTES,
  };
  readonly #place: MeetingPlace;
  readonly #heartbeatMs: number;

  constructor(options: { readonly place: MeetingPlace; readonly heartbeatMs: number }) {
    this.#place = options.place;
    this.#heartbeatMs = options.heartbeatMs;
  }

  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const presence = LocalPresence.enter(this.#place);
    try {
      return await this.#meet(presence, events, signal);
    } catch (error) {
      await presence.leave();
      throw error instanceof BusError || signal.aborted ? error : systemFailed(error);
    }
  }

  /** Finds the hub, or becomes it. */
  async #meet(presence: LocalPresence, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    let hungUp = 0;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      signal.throwIfAborted();
      const address = await this.#place.find();
      if (address === undefined) {
        await presence.claimHub();
        continue;
      }
      const heartbeatMs = this.#heartbeatMs;
      const onDetached = (): Promise<void> => presence.leave();
      const met = await IpcLink.attach({ address, heartbeatMs, events, onDetached }, signal);
      if (met === 'dead') {
        await this.#place.forget(address);
        await presence.claimHub();
      } else if (met === 'gone') {
        const delayMs = HUNG_UP_WAITS_MS[hungUp];
        if (delayMs === undefined) break;
        hungUp += 1;
        await wait(delayMs, undefined, { signal });
      } else return met;
    }
    throw new BusError('BUS_UNREACHABLE', 'the hub hangs up, or others take over, again and again');
  }
}

function systemFailed(cause: unknown): BusError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new BusError('BUS_ACCESS_DENIED', 'the system denies access to the folder', { cause });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EROFS':
      return new BusError('BUS_MISCONFIGURED', 'the folder cannot be used; choose another', {
        cause,
      });
    default:
      return new BusError('BUS_UNREACHABLE', 'no hub could be reached or made; see `cause`', {
        cause,
      });
  }
}
