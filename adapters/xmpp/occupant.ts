import { randomBytes } from 'node:crypto';
import { xml } from '@xmpp/client';
import type { BusError } from '../../src/index.ts';
import { evictionOf, isWorthAnotherKnock, refusalOf, statusesOf } from './room-status.ts';
import { errorOf, NS, type Element } from './stanza.ts';
import type { XmppCondition } from './xmpp-errors.ts';
import type { XmppSettings } from './xmpp-options.ts';
import type { XmppSession } from './xmpp-session.ts';

/** What is needed to go on being in a room after a resumption. */
export interface Occupancy {
  /** Our own address in the room: `room@service/nick`. */
  readonly address: string;
  /** The real address of each other occupant, where the room tells. */
  readonly realJids: ReadonlyMap<string, string>;
}

/** Knocks at a door that is locked, or where our name is taken. */
const MAX_KNOCKS = 20;
const KNOCK_PAUSE_MS = 400;
/** Beyond it, senders are named by their place in the room. */
const MAX_REAL_JIDS = 10_000;

/** We, as the room sees us: entering it, being called something, being thrown out (XEP-0045 section 7). */
export class Occupant {
  readonly #session: XmppSession;
  readonly #settings: XmppSettings;
  readonly #known: boolean;
  readonly #onEvicted: (cause: BusError) => void;
  readonly #realJids: Map<string, string>;
  #address: string;
  #inside: boolean;
  #role = '';
  #created = false;
  #knock: ((refusal?: XmppCondition) => void) | undefined;

  constructor(options: {
    readonly session: XmppSession;
    readonly settings: XmppSettings;
    /** We are in the room already, if the server remembers. */
    readonly occupancy: Occupancy | undefined;
    /** The room has let us in before. */
    readonly known: boolean;
    readonly onEvicted: (cause: BusError) => void;
  }) {
    this.#session = options.session;
    this.#settings = options.settings;
    this.#known = options.known;
    this.#onEvicted = options.onEvicted;
    this.#address = options.occupancy?.address ?? '';
    this.#realJids = new Map(options.occupancy?.realJids);
    this.#inside = options.occupancy !== undefined;
  }

  get occupancy(): Occupancy {
    return { address: this.#address, realJids: this.#realJids };
  }

  get address(): string {
    return this.#address;
  }

  /** As far as we were told. */
  get inside(): boolean {
    return this.#inside;
  }

  /** The room did not exist before we came: it is ours to configure. */
  get hasCreatedRoom(): boolean {
    return this.#created;
  }

  /** In a moderated room a visitor may listen only. */
  get hasVoice(): boolean {
    return this.#role !== 'visitor';
  }

  /** Who it is: the real address where the room tells, otherwise the place in the room. */
  nameOf(address: string): string {
    return this.#realJids.get(address) ?? address;
  }

  /**
   * Resolves once the room counts us in.
   * @throws {BusError} saying why it does not
   */
  async enter(): Promise<void> {
    this.#inside = false;
    this.#realJids.clear();
    const { room } = this.#settings;
    for (let knocks = 1; ; knocks += 1) {
      const refusal = await this.#knockOnce();
      if (refusal === undefined) return;
      if (knocks >= MAX_KNOCKS || !isWorthAnotherKnock(refusal)) {
        throw refusalOf(refusal, { room, known: this.#known });
      }
      if (refusal.condition !== 'conflict') await this.#pause(Math.random() * KNOCK_PAUSE_MS);
    }
  }

  hearPresence(presence: Element, from: string): void {
    const { room } = this.#settings;
    const type: unknown = presence.attrs['type'];
    if (type === 'error') {
      if (from === this.#address || from === room) this.#answer(errorOf(presence));
      return;
    }
    const statuses = statusesOf(presence);
    const item = presence.getChild('x', NS.mucUser)?.getChild('item');
    if (!statuses.has(110) && from !== this.#address) {
      this.#noteOther(from, type, item?.attrs['jid']);
    } else if (type === 'unavailable') {
      const nick: unknown = item?.attrs['nick'];
      // XEP-0045 section 7.6: from here on we are called otherwise.
      if (statuses.has(303) && typeof nick === 'string') this.#address = `${room}/${nick}`;
      else this.#thrownOut(presence);
    } else {
      // The room may have given us another name (status 210).
      this.#address = from;
      this.#inside = true;
      this.#role = String(item?.attrs['role'] ?? '');
      this.#created ||= statuses.has(201);
      this.#answer();
    }
  }

  #knockOnce(): Promise<XmppCondition | undefined> {
    const { room, label, roomPassword } = this.#settings;
    // Never the same twice: our own ghost may still be there after a cut.
    this.#address = `${room}/${label}~${randomBytes(4).toString('hex')}`;
    this.#created = false;
    const history = xml('history', { maxstanzas: '0', maxchars: '0' });
    const password = roomPassword === undefined ? [] : [xml('password', {}, roomPassword)];
    const muc = xml('x', { xmlns: NS.muc }, history, ...password);
    return this.#session.during((resolve) => {
      this.#knock = resolve;
      this.#session.send(xml('presence', { to: this.#address }, muc));
    });
  }

  #answer(refusal?: XmppCondition): void {
    this.#knock?.(refusal);
    this.#knock = undefined;
  }

  #thrownOut(presence: Element): void {
    // A ghost of ours that leaves while we come is not us.
    if (!this.#inside && this.#knock === undefined) return;
    this.#inside = false;
    this.#onEvicted(evictionOf(presence, this.#settings.room));
  }

  #noteOther(from: string, type: unknown, real: unknown): void {
    if (type === 'unavailable') this.#realJids.delete(from);
    else if (typeof real === 'string' && this.#realJids.size < MAX_REAL_JIDS) {
      this.#realJids.set(from, real.split('/', 1)[0] ?? real);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return this.#session.during<void>((resolve) => {
      setTimeout(resolve, delayMs);
    });
  }
}
