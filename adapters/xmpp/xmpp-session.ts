import { jid } from '@xmpp/client';
import { BusError } from '../../src/index.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Line } from './line.ts';
import { SilenceWatch } from './silence-watch.ts';
import { NS, type Element } from './stanza.ts';
import { Wire } from './wire.ts';
import { makeClient, type XmppClient } from './xmpp-client.ts';
import { lineError, releaseStack, streamError } from './xmpp-errors.ts';
import { XmppLogin } from './xmpp-login.ts';
import type { XmppSettings } from './xmpp-options.ts';

/** What is needed to go on with a session on another line (XEP-0198 section 5). */
export interface ParkedStream {
  readonly jid: string;
  readonly id: string;
  readonly inbound: number;
  readonly outbound: number;
  readonly outbound_q: readonly unknown[];
}

/** A request to the server or the room is answered within this time, or not at all. */
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
const GOODBYE_TIMEOUT_MS = 1_000;

/**
 * One login over one line, with a client of its own: a second login with the same client would meet listeners
 * that the first has left behind.
 */
export class XmppSession {
  readonly #settings: XmppSettings;
  readonly #address: string;
  readonly #onStanza: (stanza: Element) => void;
  readonly #wire: Wire;
  readonly #login: XmppLogin;
  readonly #xmpp: XmppClient;
  readonly #ended = new AbortController();
  #keepAlive: KeepAlive | undefined;
  #features: Element | undefined;
  #resumed = false;
  #resumable = true;

  constructor(line: Line, settings: XmppSettings, onStanza: (stanza: Element) => void) {
    const { address, endpoint } = line;
    this.#settings = settings;
    this.#address = address;
    this.#onStanza = onStanza;
    this.#wire = new Wire(line);
    this.#login = new XmppLogin(settings);
    this.#xmpp = makeClient({ endpoint, settings, wire: this.#wire, login: this.#login });
    this.#wire.on('close', (_dirty: boolean, cause?: Error) => {
      this.end(this.#lost(cause));
    });
    this.#xmpp.on('error', (error) => {
      this.#onError(error);
    });
    this.#xmpp.on('close', () => {
      this.end(lineError(new Error('the server ended the stream'), address));
    });
    this.#xmpp.on('element', (element) => {
      this.#onElement(element);
    });
  }

  /** Aborted, with the cause, when the session is over. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** The server has given us our former session back. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /**
   * Logs in, and goes on with a former session if the server still has it: then its stanzas come before this
   * resolves. Rejects as `end` says.
   */
  async login(parked: ParkedStream | undefined): Promise<void> {
    const { streamManagement: sm } = this.#xmpp;
    if (parked !== undefined) {
      const { jid: address, ...state } = parked;
      Object.assign(sm, state, { outbound_q: [...state.outbound_q] });
      this.#xmpp.jid = jid(address);
    }
    await this.during<void>((resolve) => {
      sm.once('resumed', resolve);
      this.#xmpp.once('online', () => {
        this.#streamManagementSettled().then(resolve, () => undefined);
      });
      this.#negotiate().catch((error: unknown) => {
        this.#fail(error);
      });
    });
    this.#keepAlive = new KeepAlive({
      xmpp: this.#xmpp,
      settings: this.#settings,
      onDead: (why) => {
        this.end(new BusError('BUS_UNREACHABLE', `${this.#address} ${why}`));
      },
    });
  }

  /** A promise that ends with the session at the latest. */
  during<T>(
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  ): Promise<T> {
    const { signal } = this.#ended;
    return new Promise<T>((resolve, reject) => {
      const onEnd = (): void => {
        reject(signal.reason);
      };
      const settle =
        <V>(how: (value: V) => void) =>
        (value: V): void => {
          signal.removeEventListener('abort', onEnd);
          how(value);
        };
      if (signal.aborted) onEnd();
      else signal.addEventListener('abort', onEnd, { once: true });
      start(settle<T>(resolve), settle<unknown>(reject));
    });
  }

  /**
   * Sends a stanza, or leaves it for the resumption where the line breaks meanwhile.
   * @throws {BusError} `BUS_REJECTED` if too much waits for the line
   */
  send(stanza: Element): void {
    if (this.#wire.backlog > MAX_BACKLOG_BYTES) {
      const message = `more than ${MAX_BACKLOG_BYTES} bytes wait for the server to read them; publish less, or later`;
      throw new BusError('BUS_REJECTED', message);
    }
    this.#write(stanza);
    this.#keepAlive?.sent();
  }

  /** Asks for an answer. Rejects with what the library makes of an error stanza, with its `TimeoutError`, or as `end` says. */
  request(iq: Element): Promise<Element> {
    return this.during((resolve, reject) => {
      this.#xmpp.iqCaller.request(iq, REQUEST_TIMEOUT_MS).then(resolve, reject);
    });
  }

  /** Waits for `work`; ends when nothing at all was heard for so long. */
  async unlessSilent<T>(silenceMs: number, work: Promise<T>): Promise<T> {
    const act = (): void => {
      const message = `${this.#address} said nothing for ${silenceMs} ms after the resumption`;
      this.end(new BusError('BUS_UNREACHABLE', message));
    };
    const watch = new SilenceWatch([{ afterMs: silenceMs, act }]);
    const onElement = (): void => {
      watch.heard();
    };
    this.#xmpp.on('element', onElement);
    try {
      return await work;
    } finally {
      watch.stop();
      this.#xmpp.off('element', onElement);
    }
  }

  /** Takes our leave from the server, bounded, and ends. */
  async leave(): Promise<void> {
    const goodbye = setTimeout(() => {
      this.end(new BusError('BUS_NOT_OPEN', 'the bus was closed'));
    }, GOODBYE_TIMEOUT_MS);
    this.#resumable = false;
    this.#xmpp.write(this.#xmpp.footer(this.#xmpp.footerElement())).catch(() => undefined);
    // It ends when the server ends the stream in turn.
    await this.during<void>(() => undefined).catch(() => undefined);
    clearTimeout(goodbye);
  }

  /** Ends at once: nothing is heard any more, everything that waits rejects with `cause`. */
  end(cause: unknown, options: { readonly resumable?: boolean } = {}): void {
    if (this.ended.aborted) return;
    releaseStack(cause);
    // What else had arrived is counted as heard, and will not be: such a session must not go on elsewhere.
    if (options.resumable === false || this.#wire.parsing) this.#resumable = false;
    this.#keepAlive?.stop();
    this.#wire.destroy();
    this.#ended.abort(cause);
    // What the library still waits for, or begins to wait for, is not to keep its timers running.
    this.#xmpp.timeout = 1;
    this.#xmpp.emit('error', new Error('the session is over'));
    for (const waiting of this.#xmpp.iqCaller.handlers.values()) waiting.reject(cause);
    this.#xmpp.iqCaller.handlers.clear();
  }

  /** The session as it can be gone on with; `undefined` where it cannot. To be asked for after the end. */
  parked(): ParkedStream | undefined {
    const { id, inbound, outbound, outbound_q } = this.#xmpp.streamManagement;
    if (!this.#resumable || id === '' || this.#xmpp.jid === null) return undefined;
    return { jid: this.#xmpp.jid.toString(), id, inbound, outbound, outbound_q: [...outbound_q] };
  }

  async #negotiate(): Promise<void> {
    await this.#xmpp.connect(this.#xmpp.options.service ?? '');
    await this.#xmpp.open({ domain: this.#settings.domain });
  }

  /** `online` comes before stream management is on: what is sent in between would be lost in a cut. */
  async #streamManagementSettled(): Promise<void> {
    const { streamManagement: sm } = this.#xmpp;
    if (sm.enabled || this.#features?.getChild('sm', NS.sm) === undefined) return;
    await this.during<void>((resolve) => {
      const onNonza = (element: Element): void => {
        if (!element.is('enabled', NS.sm) && !element.is('failed', NS.sm)) return;
        this.#xmpp.off('nonza', onNonza);
        // The library takes note of it a few microtasks later.
        setImmediate(resolve, undefined);
      };
      this.#xmpp.on('nonza', onNonza);
    });
  }

  #write(element: Element): void {
    // The end of the line is told by the line.
    this.#xmpp.send(element).catch(() => undefined);
  }

  #onElement(element: Element): void {
    this.#wire.stanzaEnded();
    this.#keepAlive?.heard();
    // Whitespace between stanzas would pile up there.
    const root = this.#xmpp.parser?.root;
    if (root) root.children = [];
    if (element.is('features', NS.streams)) this.#onFeatures(element);
    else if (element.is('resumed', NS.sm)) this.#resumed = true;
    else if (element.is('success') && !this.#login.trusts(element)) {
      const message = `${this.#address} does not know the password of this account: it is not the server that it claims to be`;
      this.end(new BusError('BUS_ACCESS_DENIED', message));
    } else if (!this.ended.aborted && this.#xmpp.isStanza(element)) this.#onStanza(element);
  }

  #onFeatures(features: Element): void {
    const first = this.#features === undefined;
    this.#features = features;
    if (!first) return;
    const offered = ['mechanisms', 'authentication']
      .flatMap((name) => features.getChild(name)?.getChildren('mechanism') ?? [])
      .map((mechanism) => mechanism.getText());
    const obstacle = this.#login.obstacle(offered, this.#wire.secure);
    if (obstacle !== undefined) this.end(obstacle);
  }

  #onError(error: unknown): void {
    const name = error instanceof Error ? error.name : '';
    const fatal = name === 'StreamError' || name === 'XMLError';
    // Once logged in, the library stumbles over single stanzas (an `iq` that makes no sense, say) and goes on.
    if (this.#keepAlive === undefined || fatal) this.#fail(error);
  }

  #lost(cause: Error | undefined): BusError {
    // A server that asks for a certificate may simply hang up (TLS 1.3 ends the handshake before it has looked).
    const atOnce = this.#wire.secure && !this.#wire.heardAnything;
    const hint = atOnce
      ? ' after the TLS handshake: does it ask for `tls.cert` and `tls.key`?'
      : '';
    return lineError(cause ?? new Error(`the server hung up${hint}`), this.#address);
  }

  #fail(error: unknown): void {
    this.end(streamError(error, this.#address, this.#settings.domain));
  }
}
