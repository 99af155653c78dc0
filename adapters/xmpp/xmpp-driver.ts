import {
  BusError,
  type BusCapabilities,
  type BusDriver,
  type Frame,
  type Link,
  type LinkEvents,
  type SendOptions,
} from '../../src/index.ts';
import { openLine } from './line.ts';
import { MucRoom } from './muc-room.ts';
import type { Occupancy } from './occupant.ts';
import type { Endpoint, XmppSettings } from './xmpp-options.ts';
import { XmppSession, type ParkedStream } from './xmpp-session.ts';

/** A session that was cut off and may still be there for us, room and all. */
interface Parked {
  readonly stream: ParkedStream;
  readonly occupancy: Occupancy;
}

/** Nodes that lose the same server do not knock at the next one in the same moment. */
const HOST_JITTER_MS = 100;

/**
 * A session that was resumed and says nothing for so long is stuck. Prosody 0.12 goes on parsing in the middle of
 * the stanza in which the former line broke, and understands nothing from there on.
 */
const RESUMED_SILENCE_MS = 2_000;

export class XmppDriver implements BusDriver {
  readonly capabilities: BusCapabilities;
  readonly #settings: XmppSettings;
  #turn: number;
  #parked: Parked | undefined;
  #attachedBefore = false;

  constructor(settings: XmppSettings) {
    this.#settings = settings;
    this.#turn = Math.floor(Math.random() * settings.endpoints.length);
    const { maxFrameBytes } = settings;
    this.capabilities = { ordering: 'total', resumption: true, maxFrameBytes };
  }

  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const { endpoints, attachTimeoutMs } = this.#settings;
    const budgetMs = attachTimeoutMs / endpoints.length;
    for (let tries = 1; ; tries += 1) {
      const endpoint = endpoints[this.#turn % endpoints.length];
      if (endpoint === undefined) throw new Error('unreachable: there is always an endpoint');
      try {
        // The last one has whatever time is left.
        return await (tries === endpoints.length
          ? this.#attachTo(endpoint, events, signal)
          : within(budgetMs, endpoint, signal, (both) => this.#attachTo(endpoint, events, both)));
      } catch (error) {
        this.#turn += 1;
        if (signal.aborted || tries === endpoints.length || !isOfThisHost(error)) throw error;
        await pause(Math.random() * HOST_JITTER_MS);
      }
    }
  }

  /** Keeps what a resumption needs; what cannot be resumed is forgotten. */
  park(session: XmppSession, room: MucRoom): void {
    const stream = session.parked();
    this.#parked = stream === undefined ? undefined : { stream, occupancy: room.occupancy };
  }

  async #attachTo(endpoint: Endpoint, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const parked = this.#parked;
    if (parked === undefined) return await this.#logIn(endpoint, events, signal, undefined);
    try {
      return await this.#logIn(endpoint, events, signal, parked);
    } catch (error) {
      // Without a session it can be tried again; what the server has given back can be given back only once.
      if (this.#parked !== undefined || signal.aborted) throw error;
      return await this.#logIn(endpoint, events, signal, undefined);
    }
  }

  /** Takes up the parked session and its place in the room, or begins anew where the server has forgotten it. */
  async #logIn(
    endpoint: Endpoint,
    events: LinkEvents,
    signal: AbortSignal,
    parked: Parked | undefined,
  ): Promise<Link> {
    const settings = this.#settings;
    const line = await openLine(endpoint, settings, signal);
    const session = new XmppSession(line, settings, (stanza) => {
      room.hear(stanza);
    });
    const known = this.#attachedBefore;
    const room = new MucRoom({ session, settings, events, occupancy: parked?.occupancy, known });
    const onAbort = (): void => {
      session.end(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    try {
      if (signal.aborted) onAbort();
      await session.login(parked?.stream);
      if (session.resumed) await session.unlessSilent(RESUMED_SILENCE_MS, room.isStillInside());
      else await room.join();
      signal.throwIfAborted();
      this.#attachedBefore = true;
      this.#parked = undefined;
      return new XmppLink({ driver: this, session, room, events });
    } catch (error) {
      // What the server has told us since will not be heard: this is no session to go on with.
      if (session.resumed) this.#parked = undefined;
      session.end(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

class XmppLink implements Link {
  readonly resumed: boolean;
  readonly #driver: XmppDriver;
  readonly #session: XmppSession;
  readonly #room: MucRoom;

  constructor(options: {
    readonly driver: XmppDriver;
    readonly session: XmppSession;
    readonly room: MucRoom;
    readonly events: LinkEvents;
  }) {
    const { driver, session, room, events } = options;
    this.#driver = driver;
    this.#session = session;
    this.#room = room;
    this.resumed = session.resumed;
    session.ended.addEventListener('abort', () => {
      events.down(session.ended.reason);
    });
    room.watch();
  }

  async send(frame: Frame, { summary }: SendOptions): Promise<void> {
    await this.#room.send(frame, summary);
  }

  async detach(): Promise<void> {
    this.#room.leave();
    if (this.#session.ended.aborted) this.#driver.park(this.#session, this.#room);
    else await this.#session.leave();
  }
}

/** Whether another host may do better: a wrong password is wrong everywhere. */
function isOfThisHost(error: unknown): boolean {
  return (
    error instanceof BusError &&
    error.code !== 'BUS_ACCESS_DENIED' &&
    error.code !== 'BUS_MISCONFIGURED'
  );
}

/** Gives an attempt a part of the time, so that a host that does not answer leaves some for the next. */
async function within<T>(
  budgetMs: number,
  endpoint: Endpoint,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const onAbort = (): void => {
    abort.abort(signal.reason);
  };
  signal.addEventListener('abort', onAbort);
  const timer = setTimeout(() => {
    const message = `${endpoint.host}:${endpoint.port} did not let us in within ${budgetMs} ms`;
    abort.abort(new BusError('BUS_UNREACHABLE', message));
  }, budgetMs);
  try {
    return await act(abort.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
