import { randomBytes } from 'node:crypto';
import { xml } from '@xmpp/client';
import { BusError, type Frame, type LinkEvents } from '../../src/index.ts';
import { unlockRoom } from './room-setup.ts';
import {
  evictionOf,
  isWorthAnotherKnock,
  refusalOf,
  rejectionOf,
  statusesOf,
} from './room-status.ts';
import { SilenceWatch } from './silence-watch.ts';
import { envelopeOf, foreignOf, frameMessage, isFrame, NS, PROBE, type Element } from './stanza.ts';
import { conditionOf, type XmppCondition } from './xmpp-errors.ts';
import type { XmppSettings } from './xmpp-options.ts';
import type { XmppSession } from './xmpp-session.ts';

/** What is needed to go on being in a room after a resumption. */
export interface Occupancy {
  /** Our own address in the room: `room@service/nick`. */
  readonly occupant: string;
  /** The real address of each occupant, where the room tells. */
  readonly realJids: Map<string, string>;
}

interface Unreflected {
  readonly frame: Frame;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Knocks at a door that is locked, or where our name is taken. */
const MAX_KNOCKS = 20;
const KNOCK_PAUSE_MS = 400;
/** More than the engine lets be unconfirmed: what the room has never reflected is given up. */
const MAX_UNREFLECTED = 20_000;
/** Beyond it, senders are named by their place in the room. */
const MAX_REAL_JIDS = 10_000;

/** One stay in a multi-user chat room (XEP-0045). */
export class MucRoom {
  readonly #session: XmppSession;
  readonly #settings: XmppSettings;
  readonly #events: LinkEvents;
  readonly #realJids: Map<string, string>;
  readonly #unreflected = new Map<string, Unreflected>();
  readonly #ids: string = randomBytes(9).toString('base64url');
  #sent = 0;
  #occupant: string;
  #inside: boolean;
  /** What comes before the subject is history. */
  #live: boolean;
  #role = '';
  #created = false;
  #knock: { resolve: (refusal?: XmppCondition) => void } | undefined;
  #probe: Unreflected | undefined;
  #watch: SilenceWatch | undefined;

  constructor(options: {
    readonly session: XmppSession;
    readonly settings: XmppSettings;
    readonly events: LinkEvents;
    /** We are in the room already, if the server remembers. */
    readonly occupancy: Occupancy | undefined;
  }) {
    const { session, settings, events, occupancy } = options;
    this.#session = session;
    this.#settings = settings;
    this.#events = events;
    this.#occupant = occupancy?.occupant ?? '';
    this.#realJids = occupancy?.realJids ?? new Map();
    this.#inside = occupancy !== undefined;
    this.#live = this.#inside;
  }

  get occupancy(): Occupancy {
    return { occupant: this.#occupant, realJids: this.#realJids };
  }

  /** Enters the room, unlocks it if we were the first, and makes sure that frames pass. */
  async join(): Promise<void> {
    this.#inside = false;
    this.#live = false;
    this.#realJids.clear();
    await this.#enter();
    const { room } = this.#settings;
    if (this.#created) await unlockRoom(this.#session, room);
    if (this.#role === 'visitor') {
      const message = `the room ${room} is moderated and gives us no voice: an owner must make it unmoderated, or this account a member`;
      throw new BusError('BUS_MISCONFIGURED', message);
    }
    await this.#tryOut();
    this.#live = true;
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
    this.#unreflected.clear();
  }

  /** Resolves once the room has reflected the frame to us, that is to everybody. */
  send(frame: Frame, summary: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId();
      this.#session.send(frameMessage({ room: this.#settings.room, id, frame, summary }));
      this.#unreflected.set(id, { frame, resolve, reject });
      const [oldest] = this.#unreflected.keys();
      if (this.#unreflected.size > MAX_UNREFLECTED && oldest !== undefined)
        this.#unreflected.delete(oldest);
    });
  }

  /** Asks the room whether we are in it (XEP-0410). `undefined`: it cannot be told. */
  async isInside(): Promise<boolean | undefined> {
    if (!this.#inside) return false;
    const ping = xml('iq', { type: 'get', to: this.#occupant }, xml('ping', { xmlns: NS.ping }));
    try {
      await this.#session.request(ping);
      return true;
    } catch (error) {
      const condition = conditionOf(error)?.condition;
      if (condition === undefined || UNKNOWN_WHETHER_INSIDE.has(condition)) return undefined;
      return INSIDE_ALL_THE_SAME.has(condition);
    }
  }

  /** Everything that comes from the server. */
  hear(stanza: Element): void {
    const from = String(stanza.attrs['from'] ?? '');
    const { room } = this.#settings;
    if (from !== room && !from.startsWith(`${room}/`)) return;
    this.#watch?.heard();
    const type: unknown = stanza.attrs['type'];
    if (stanza.is('presence')) this.#hearPresence(stanza, from, type);
    else if (!stanza.is('message')) return;
    else if (type === 'error') this.#hearError(stanza);
    // Anything else is said to us alone, or about the room.
    else if (type === 'groupchat' && from !== room) this.#hearMessage(stanza, from);
    else if (type === 'groupchat' && stanza.getChild('subject')) this.#live = true;
  }

  async #enter(): Promise<void> {
    const { room } = this.#settings;
    for (let knocks = 1; ; knocks += 1) {
      const refusal = await this.#knockOnce();
      if (refusal === undefined) return;
      if (knocks >= MAX_KNOCKS || !isWorthAnotherKnock(refusal)) throw refusalOf(refusal, room);
      if (refusal.condition !== 'conflict') await this.#pause(Math.random() * KNOCK_PAUSE_MS);
    }
  }

  #knockOnce(): Promise<XmppCondition | undefined> {
    const { room, label, roomPassword } = this.#settings;
    // Never the same twice: our own ghost may still be there after a cut.
    this.#occupant = `${room}/${label}~${randomBytes(4).toString('hex')}`;
    return this.#session.during((resolve) => {
      this.#knock = { resolve };
      this.#session.send(
        xml(
          'presence',
          { to: this.#occupant },
          xml(
            'x',
            { xmlns: NS.muc },
            xml('history', { maxstanzas: '0', maxchars: '0' }),
            ...(roomPassword === undefined ? [] : [xml('password', {}, roomPassword)]),
          ),
        ),
      );
    });
  }

  /** Sends what looks like a frame, to see whether its envelope comes back. */
  #tryOut(): Promise<void> {
    const { room } = this.#settings;
    return this.#session.during<void>((resolve, reject) => {
      this.#probe = { frame: PROBE, resolve, reject };
      this.#session.send(frameMessage({ room, id: this.#nextId(), frame: PROBE }));
    });
  }

  #hearPresence(presence: Element, from: string, type: unknown): void {
    if (type === 'error') {
      const refusal = errorOf(presence);
      if (from === this.#occupant || from === this.#settings.room) this.#knock?.resolve(refusal);
      return;
    }
    const statuses = statusesOf(presence);
    const item = presence.getChild('x', NS.mucUser)?.getChild('item');
    if (!statuses.has(110) && from !== this.#occupant) {
      this.#noteOther(from, type, item?.attrs['jid']);
      return;
    }
    if (type === 'unavailable') {
      const nick: unknown = item?.attrs['nick'];
      // XEP-0045 section 7.6: we are called otherwise from here on.
      if (statuses.has(303) && typeof nick === 'string')
        this.#occupant = `${this.#settings.room}/${nick}`;
      else if (this.#inside || this.#knock)
        this.#evicted(evictionOf(presence, this.#settings.room));
      return;
    }
    // The room may have changed our name (status 210).
    this.#occupant = from;
    this.#inside = true;
    this.#role = String(item?.attrs['role'] ?? '');
    this.#created = statuses.has(201);
    this.#knock?.resolve();
    this.#knock = undefined;
  }

  #noteOther(from: string, type: unknown, real: unknown): void {
    if (type === 'unavailable') this.#realJids.delete(from);
    else if (typeof real === 'string' && this.#realJids.size < MAX_REAL_JIDS) {
      this.#realJids.set(from, real.split('/', 1)[0] ?? real);
    }
  }

  #hearMessage(message: Element, from: string): void {
    const own = from === this.#occupant;
    const envelope = envelopeOf(message);
    if (own && this.#probe !== undefined) this.#hearProbe(this.#probe, envelope);
    if (envelope === PROBE) return;
    if (!this.#live) {
      this.#live =
        message.getChild('subject') !== undefined && message.getChild('body') === undefined;
      return;
    }
    const id = String(message.attrs['id'] ?? '');
    if (envelope === undefined) this.#hearPlain(message, from, own, id);
    else if (isFrame(envelope)) {
      this.#events.frame(envelope);
      if (own) this.#reflected(id, envelope);
    } else {
      const text =
        'a message in the room had a frame that is not ASCII: it was changed on its way, or is not ours';
      this.#events.gap(new BusError('BUS_REJECTED', text));
      if (own)
        this.#take(id)?.reject(new BusError('BUS_REJECTED', 'the room has changed the frame'));
    }
  }

  #hearProbe(probe: Unreflected, envelope: string | undefined): void {
    this.#probe = undefined;
    // The order of a join is presences, history, subject, live messages: this one is live.
    this.#live = true;
    if (envelope === PROBE) probe.resolve();
    else {
      const { room } = this.#settings;
      const message = `the room ${room} does not pass <json xmlns='${NS.json}'/>: its service must let unknown elements through`;
      probe.reject(new BusError('BUS_MISCONFIGURED', message));
    }
  }

  #hearPlain(message: Element, from: string, own: boolean, id: string): void {
    const stripped = own ? this.#take(id) : undefined;
    if (stripped !== undefined) {
      stripped.reject(
        new BusError('BUS_REJECTED', `the room has taken the frame out of the message`),
      );
      return;
    }
    const foreign = foreignOf(message, this.#realJids.get(from) ?? from);
    if (foreign !== undefined) this.#events.foreign(foreign);
  }

  /** A room may give messages other ids (XEP-0045 promises the same only with `muc#stable_id`). */
  #reflected(id: string, frame: Frame): void {
    const known = this.#unreflected.has(id)
      ? id
      : Array.from(this.#unreflected).find(([, sent]) => sent.frame === frame)?.[0];
    if (known !== undefined) this.#take(known)?.resolve();
  }

  #take(id: string): Unreflected | undefined {
    const sent = this.#unreflected.get(id);
    this.#unreflected.delete(id);
    return sent;
  }

  #hearError(message: Element): void {
    const said = errorOf(message);
    const error = rejectionOf(said);
    const id = String(message.attrs['id'] ?? '');
    this.#take(id)?.reject(error);
    if (NOT_INSIDE.has(said.condition)) this.#evicted(new BusError('BUS_EVICTED', error.message));
    else this.#probe?.reject(error);
  }

  #evicted(cause: BusError): void {
    this.#inside = false;
    this.#session.end(cause, { resumable: false });
  }

  async #lookAround(): Promise<void> {
    const inside = await this.isInside();
    if (inside === false) {
      this.#evicted(new BusError('BUS_EVICTED', 'the room does not know us any more'));
    }
    // Otherwise it is asked again after another silence; a dead line is noticed by the session.
    this.#watch?.heard();
  }

  #pause(delayMs: number): Promise<void> {
    return this.#session.during<void>((resolve) => {
      setTimeout(resolve, delayMs);
    });
  }

  #nextId(): string {
    this.#sent += 1;
    return `${this.#ids}-${this.#sent}`;
  }
}

function errorOf(stanza: Element): XmppCondition {
  const error = stanza.getChild('error');
  const condition = error
    ?.getChildElements()
    .find((child) => !child.is('text'))
    ?.getName();
  return {
    condition: condition ?? 'undefined-condition',
    text: error?.getChildText('text')?.slice(0, 120) ?? '',
  };
}

/** XEP-0410 section 3.2: the room let the ping through to us, and we did not answer it well. */
const INSIDE_ALL_THE_SAME: ReadonlySet<string> = new Set([
  'service-unavailable',
  'feature-not-implemented',
  'item-not-found',
]);
const UNKNOWN_WHETHER_INSIDE: ReadonlySet<string> = new Set([
  'remote-server-not-found',
  'remote-server-timeout',
]);
/** Only occupants may send messages (XEP-0045 section 7.4). */
const NOT_INSIDE: ReadonlySet<string> = new Set(['not-acceptable', 'item-not-found', 'gone']);
