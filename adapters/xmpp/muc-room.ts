import { randomBytes } from 'node:crypto';
import { xml } from '@xmpp/client';
import { BusError, type Frame, type LinkEvents } from '../../src/index.ts';
import { InFlight } from './in-flight.ts';
import { Occupant, type Occupancy } from './occupant.ts';
import { unlockRoom } from './room-setup.ts';
import { rejectionOf } from './room-status.ts';
import { SilenceWatch } from './silence-watch.ts';
import {
  envelopeOf,
  errorOf,
  foreignOf,
  frameMessage,
  isFrame,
  NS,
  PROBE,
  type Element,
} from './stanza.ts';
import { conditionOf } from './xmpp-errors.ts';
import type { XmppSettings } from './xmpp-options.ts';
import type { XmppSession } from './xmpp-session.ts';

/** One stay in a multi-user chat room, and what is said there (XEP-0045). */
export class MucRoom {
  readonly #session: XmppSession;
  readonly #settings: XmppSettings;
  readonly #events: LinkEvents;
  readonly #occupant: Occupant;
  readonly #inFlight: InFlight;
  readonly #ids: string = randomBytes(9).toString('base64url');
  #sent = 0;
  /** What comes before the subject is history. */
  #live: boolean;
  #probe: { resolve: (value: undefined) => void; reject: (error: BusError) => void } | undefined;
  #watch: SilenceWatch | undefined;

  constructor(options: {
    readonly session: XmppSession;
    readonly settings: XmppSettings;
    readonly events: LinkEvents;
    readonly occupancy: Occupancy | undefined;
    /** The room has let us in before. */
    readonly known: boolean;
  }) {
    const { session, settings, events, occupancy, known } = options;
    this.#session = session;
    this.#settings = settings;
    this.#events = events;
    this.#live = occupancy !== undefined;
    this.#inFlight = new InFlight(settings.confirmTimeoutMs);
    const onEvicted = (cause: BusError): void => {
      session.end(cause, { resumable: false });
    };
    this.#occupant = new Occupant({ session, settings, occupancy, known, onEvicted });
  }

  get occupancy(): Occupancy {
    return this.#occupant.occupancy;
  }

  /**
   * Enters the room, unlocks it if we were the first, and makes sure that frames pass.
   * @throws {BusError} saying what is in the way
   */
  async join(): Promise<void> {
    const { room } = this.#settings;
    this.#live = false;
    await this.#occupant.enter();
    if (this.#occupant.hasCreatedRoom) await unlockRoom(this.#session, room);
    if (!this.#occupant.hasVoice) {
      const message = `the room ${room} is moderated and gives us no voice: an owner must make it unmoderated, or this account a member`;
      throw new BusError('BUS_MISCONFIGURED', message);
    }
    await this.#tryOut();
  }

  /** Looks after our being in the room from here on. */
  watch(): void {
    const act = (): void => {
      void this.#lookAround();
    };
    this.#watch = new SilenceWatch([{ afterMs: this.#settings.selfPingAfterMs, act }]);
  }

  leave(): void {
    this.#watch?.stop();
    this.#inFlight.clear();
  }

  /** Resolves once the room has reflected the frame to us, that is to everybody. */
  async send(frame: Frame, summary: string | undefined): Promise<void> {
    const { room } = this.#settings;
    const id = this.#nextId();
    await this.#inFlight.pass(id, frame, () => {
      this.#session.send(frameMessage({ room, id, frame, summary }));
    });
  }

  /**
   * To be asked after a resumption.
   * @throws {BusError} if our place in the room is gone, or nobody can tell
   */
  async isStillInside(): Promise<void> {
    const inside = await this.#isInside();
    if (inside === false) {
      throw new BusError(
        'BUS_EVICTED',
        'the session was resumed, and we are no longer in the room',
      );
    }
    if (inside === undefined) await this.#tryOut();
  }

  /** Everything that comes from the server. */
  hear(stanza: Element): void {
    const from = String(stanza.attrs['from'] ?? '');
    const { room } = this.#settings;
    if (from !== room && !from.startsWith(`${room}/`)) return;
    this.#watch?.heard();
    if (stanza.is('presence')) this.#occupant.hearPresence(stanza, from);
    else if (stanza.is('message')) this.#hearMessage(stanza, from);
  }

  /** Sends what looks like a frame, to see whether its envelope comes back. */
  #tryOut(): Promise<void> {
    return this.#session.during<void>((resolve, reject) => {
      this.#probe = { resolve, reject };
      this.#sendProbe();
    });
  }

  #sendProbe(): void {
    const { room } = this.#settings;
    this.#session.send(frameMessage({ room, id: this.#nextId(), frame: PROBE }));
  }

  #hearMessage(message: Element, from: string): void {
    const id = String(message.attrs['id'] ?? '');
    const type: unknown = message.attrs['type'];
    if (type === 'error') this.#hearError(message, id);
    // Anything else is said to us alone.
    if (type !== 'groupchat') return;
    const envelope = envelopeOf(message);
    const own = from === this.#occupant.address;
    if (own) this.#hearProbe(envelope);
    if (envelope === PROBE) return;
    if (!this.#live) this.#live = isSubject(message);
    // The room itself speaks about itself.
    else if (from === this.#settings.room) return;
    else if (envelope === undefined) this.#hearPlain(message, from, id);
    else this.#hearFrame(envelope, own, id);
  }

  #hearProbe(envelope: string | undefined): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    this.#probe = undefined;
    // A join brings presences, history, the subject, live messages: this one is live.
    this.#live = true;
    if (envelope === PROBE) {
      probe.resolve(undefined);
      return;
    }
    const { room } = this.#settings;
    const message = `the room ${room} takes <json xmlns='${NS.json}'/> out of messages: its service must let it pass`;
    probe.reject(new BusError('BUS_MISCONFIGURED', message));
  }

  #hearFrame(envelope: string, own: boolean, id: string): void {
    if (isFrame(envelope)) {
      this.#events.frame(envelope);
      if (own) this.#inFlight.reflected(id, envelope);
      return;
    }
    const message = 'a frame that is not ASCII was in the room: changed on its way, or not ours';
    const error = new BusError('BUS_REJECTED', message);
    this.#events.gap(error);
    if (own) this.#inFlight.refused(id, error);
  }

  #hearPlain(message: Element, from: string, id: string): void {
    const stripped = new BusError(
      'BUS_REJECTED',
      'the room has taken the frame out of the message',
    );
    if (from === this.#occupant.address && this.#inFlight.refused(id, stripped)) return;
    const foreign = foreignOf(message, this.#occupant.nameOf(from));
    if (foreign !== undefined) this.#events.foreign(foreign);
  }

  #hearError(message: Element, id: string): void {
    const said = errorOf(message);
    const error = rejectionOf(said);
    this.#inFlight.refused(id, error);
    this.#probe?.reject(error);
    // Later, so that the caller of `send` hears that the frame was not sent before the link is down.
    if (NOT_INSIDE.has(said.condition)) setImmediate(() => this.#evicted(error.message));
  }

  #evicted(message: string): void {
    this.#session.end(new BusError('BUS_EVICTED', message), { resumable: false });
  }

  async #lookAround(): Promise<void> {
    const inside = await this.#isInside();
    if (inside === false) this.#evicted('the room does not know us any more');
    // Rooms may forbid questions to occupants. A message is answered in any case: reflected, or refused.
    else if (inside === undefined && !this.#session.ended.aborted) this.#sendProbe();
    // It is asked again after another silence; a dead line is the session's to notice.
    this.#watch?.heard();
  }

  #nextId(): string {
    this.#sent += 1;
    return `${this.#ids}-${this.#sent}`;
  }

  /** Asks the room whether we are in it (XEP-0410). `undefined`: it cannot be told. */
  async #isInside(): Promise<boolean | undefined> {
    const { address, inside } = this.#occupant;
    if (!inside) return false;
    const ping = xml('ping', { xmlns: NS.ping });
    try {
      await this.#session.request(xml('iq', { type: 'get', to: address }, ping));
      return true;
    } catch (error) {
      const condition = conditionOf(error)?.condition ?? '';
      if (INSIDE_ALL_THE_SAME.has(condition)) return true;
      return condition === 'not-acceptable' ? false : undefined;
    }
  }
}

/** XEP-0045 section 7.2.15: with a body it is a message like any other. */
function isSubject(message: Element): boolean {
  return message.getChild('subject') !== undefined && message.getChild('body') === undefined;
}

/** XEP-0410 section 3.2: the room let the ping through to us, and we did not answer it well. */
const INSIDE_ALL_THE_SAME: ReadonlySet<string> = new Set([
  'service-unavailable',
  'feature-not-implemented',
  'item-not-found',
]);
/** Only occupants may send messages (XEP-0045 section 7.4). */
const NOT_INSIDE: ReadonlySet<string> = new Set(['not-acceptable', 'item-not-found', 'gone']);
