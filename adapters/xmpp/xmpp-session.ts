import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { client, jid, xml } from '@xmpp/client';
import { BusError } from '../../src/index.ts';
import type { Line } from './line.ts';
import { binary, SCRAM_HASHES, ScramMechanism, type ScramName } from './scram.ts';
import { SilenceWatch } from './silence-watch.ts';
import { NS, type Element } from './stanza.ts';
import { Wire } from './wire.ts';
import { lineError, streamError } from './xmpp-errors.ts';
import type { XmppSettings } from './xmpp-options.ts';

/** What is needed to go on with a session on another line (XEP-0198 section 5). */
export interface ParkedStream {
  readonly jid: string;
  readonly id: string;
  readonly inbound: number;
  readonly outbound: number;
  readonly outbound_q: readonly unknown[];
}

type Client = ReturnType<typeof client>;

/** What version 0.14 has and its types lack. */
interface Untyped {
  readonly saslFactory: { use(alias: string, mechanism: () => ScramMechanism): void };
  readonly streamManagement: EventEmitter & {
    enabled: boolean;
    id: string;
    inbound: number;
    outbound: number;
    outbound_q: readonly unknown[];
  };
}

/** A request to the server or the room is answered within this time, or not at all. */
const REQUEST_TIMEOUT_MS = 5_000;
/** The library asks for an `<a/>` when it has been quiet for 250 ms, that is never on a busy bus. */
const STANZAS_PER_ACK_REQUEST = 100;
const MAX_UNACKED_STANZAS = 20_000;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
const GOODBYE_TIMEOUT_MS = 1_000;

/**
 * One login over one line, with a client of @xmpp/client of its own: a second login with the same client would
 * find listeners of the first. Its reconnecting is switched off, its timers are replaced by a `SilenceWatch`.
 */
export class XmppSession {
  readonly #xmpp: Client & Untyped;
  readonly #wire: Wire;
  readonly #line: Line;
  readonly #settings: XmppSettings;
  readonly #onStanza: (stanza: Element) => void;
  readonly #ended = new AbortController();
  #watch: SilenceWatch | undefined;
  #scram: ScramMechanism | undefined;
  #features: Element | undefined;
  #resumed = false;
  #resumable = true;
  #sinceAckRequest = 0;

  constructor(line: Line, settings: XmppSettings, onStanza: (stanza: Element) => void) {
    this.#line = line;
    this.#settings = settings;
    this.#onStanza = onStanza;
    this.#wire = new Wire(line);
    this.#wire.on('close', (_dirty: boolean, cause?: Error) => {
      this.end(this.#lost(cause));
    });
    const { domain } = settings;
    const xmpp = client({
      service: line.endpoint.url,
      domain,
      timeout: settings.attachTimeoutMs,
      credentials: (authenticate, mechanisms, _fast, entity) =>
        this.#authenticate(authenticate, mechanisms, entity.isSecure()),
    });
    if (!isWhole(xmpp)) throw new Error('this adapter needs @xmpp/client 0.14');
    this.#xmpp = xmpp;
    this.#prepare();
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
   * Logs in, and goes on with a former session if the server still has it: then stanzas come before this resolves.
   * Rejects with a `BusError`, or as `end` says.
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
    const { requestAckIntervalMs, ackTimeoutMs } = this.#settings;
    this.#watch = new SilenceWatch([
      {
        afterMs: requestAckIntervalMs,
        act: () => {
          this.#askForLife();
        },
      },
      {
        afterMs: ackTimeoutMs,
        act: () => {
          this.end(this.#silent());
        },
      },
    ]);
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
      if (signal.aborted) {
        onEnd();
        return;
      }
      signal.addEventListener('abort', onEnd, { once: true });
      const quit = (): void => {
        signal.removeEventListener('abort', onEnd);
      };
      start(
        (value) => {
          quit();
          resolve(value);
        },
        (error) => {
          quit();
          reject(error);
        },
      );
    });
  }

  /**
   * Sends a stanza, or leaves it for the resumption where the line breaks meanwhile.
   * @throws {BusError} `BUS_REJECTED` if too much waits for the line
   */
  send(stanza: Element): void {
    if (this.#wire.backlog > MAX_BACKLOG_BYTES) {
      const message = `${MAX_BACKLOG_BYTES} bytes wait for the server to read them; publish less, or later`;
      throw new BusError('BUS_REJECTED', message);
    }
    this.#write(stanza);
    this.#sinceAckRequest += 1;
    if (this.#sinceAckRequest >= STANZAS_PER_ACK_REQUEST) this.#requestAck();
  }

  /** Asks for an answer. Rejects with what the library makes of an error stanza, with its `TimeoutError`, or as `end` says. */
  request(iq: Element): Promise<Element> {
    return this.during((resolve, reject) => {
      this.#xmpp.iqCaller.request(iq, REQUEST_TIMEOUT_MS).then(resolve, reject);
    });
  }

  /** Takes our leave from the server, bounded, and ends. */
  async leave(): Promise<void> {
    if (this.ended.aborted) return;
    this.#resumable = false;
    const { promise, stop } = timeout(GOODBYE_TIMEOUT_MS);
    try {
      const footer = this.#xmpp.footer(this.#xmpp.footerElement());
      await Promise.race([
        promise,
        this.during<void>(() => {
          this.#xmpp.write(footer).catch(() => undefined);
        }),
      ]);
    } catch {
      // The line is closed: that is what we waited for.
    } finally {
      stop();
      this.end(new BusError('BUS_NOT_OPEN', 'the bus was closed'));
    }
  }

  /** Ends at once: nothing is heard any more, everything that waits rejects with `cause`. */
  end(cause: unknown, options: { readonly resumable?: boolean } = {}): void {
    if (this.ended.aborted) return;
    // What else had arrived is counted as heard, and will not be: such a session must not go on elsewhere.
    if (options.resumable === false || this.#wire.parsing) this.#resumable = false;
    this.#watch?.stop();
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

  #prepare(): void {
    const xmpp = this.#xmpp;
    xmpp.reconnect.stop();
    Object.assign(xmpp.streamManagement, { requestAckInterval: 0, timeout: 0 });
    for (const name of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1'] as const) {
      xmpp.saslFactory.use(name, this.#mechanismOf(name));
      xmpp.saslFactory.use(aliasOf(name), this.#mechanismOf(name));
    }
    this.#takeLine();
    // The library notes a stanza for the resumption when it has been written. When the line breaks in the
    // middle of that, the server may have it and we would not know: so it is noted first.
    xmpp.send = async (element) => {
      this.#write(element);
    };
    xmpp.sendMany = async (elements) => {
      for (const element of elements) this.#write(element);
    };
    xmpp.on('error', (error) => {
      this.#onError(error);
    });
    xmpp.on('close', () => {
      this.end(this.#lost(new Error('the server ended the stream')));
    });
    xmpp.on('element', (element) => {
      this.#onElement(element);
    });
  }

  /** Makes the library use the line: it looks for a transport by the service's address. */
  #takeLine(): void {
    const xmpp = this.#xmpp;
    const { url } = this.#line.endpoint;
    const wire = this.#wire;
    const Base = xmpp.transports.find(({ prototype }) => {
      try {
        return prototype.socketParameters(url) !== undefined;
      } catch {
        return false;
      }
    });
    if (Base === undefined) throw new Error(`@xmpp/client has no transport for ${url}`);
    abstract class Transport extends Base {}
    // The library says `new Socket()`; ours is there already.
    function Socket(): Wire {
      return wire;
    }
    Object.assign(Transport.prototype, { Socket });
    xmpp.transports = [Transport];
  }

  async #negotiate(): Promise<void> {
    await this.#xmpp.connect(this.#line.endpoint.url);
    await this.#xmpp.open({ domain: this.#settings.domain });
  }

  async #authenticate(
    authenticate: (
      credentials: { username: string; password: string },
      mechanism: string,
      userAgent: Element,
    ) => Promise<void>,
    mechanisms: readonly string[],
    secure: boolean,
  ): Promise<void> {
    const { username, password } = this.#settings;
    const userAgent = xml('user-agent', { id: randomUUID() });
    const scram = Object.keys(SCRAM_HASHES).find((name) => mechanisms.includes(name));
    if (scram !== undefined) {
      await authenticate({ username, password }, aliasOf(scram), userAgent);
    } else if (mechanisms.includes('PLAIN') && secure) {
      await authenticate(
        { username: binary(username), password: binary(password) },
        'PLAIN',
        userAgent,
      );
    } else {
      const message = mechanisms.includes('PLAIN')
        ? 'the server wants the password itself, and the line is not encrypted: use xmpps:// or wss://, or let the server offer STARTTLS or SCRAM'
        : `the server offers none of SCRAM and PLAIN to log in, but ${mechanisms.join(', ')}`;
      throw new BusError('BUS_MISCONFIGURED', message);
    }
  }

  #mechanismOf(name: ScramName): () => ScramMechanism {
    const make = (): ScramMechanism => {
      this.#scram = new ScramMechanism(name);
      return this.#scram;
    };
    // The library says `new Mechanism()`, which an arrow function does not allow.
    return function Mechanism() {
      return make();
    };
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
    const xmpp = this.#xmpp;
    element.parent = xmpp.root;
    if (this.#line.endpoint.protocol.startsWith('ws')) element.attrs['xmlns'] ??= NS.client;
    xmpp.emit('send', element);
    // The end of the line is told by the line.
    xmpp.write(element.toString()).catch(() => undefined);
  }

  #onElement(element: Element): void {
    this.#wire.stanzaEnded();
    this.#watch?.heard();
    // Whitespace between stanzas would pile up there.
    const root = this.#xmpp.parser?.root;
    if (root) root.children = [];
    if (element.is('features', NS.streams)) this.#onFeatures(element);
    else if (element.is('resumed', NS.sm)) this.#resumed = true;
    else if (element.is('success')) this.#checkServer(element);
    else if (!this.ended.aborted && this.#xmpp.isStanza(element)) this.#onStanza(element);
  }

  #onFeatures(features: Element): void {
    const first = this.#features === undefined;
    this.#features = features;
    const canLogIn = ['mechanisms', 'authentication'].some((name) => features.getChild(name));
    if (!first || canLogIn) return;
    const message = `${this.#line.address} offers no way to log in on this line: does it want encryption?`;
    this.end(new BusError('BUS_MISCONFIGURED', message), { resumable: true });
  }

  /** RFC 5802 section 5: the server shows that it knows the password too, or it is not the server. */
  #checkServer(success: Element): void {
    if (this.#scram === undefined) return;
    const proof = success.is('success', NS.sasl2)
      ? success.getChildText('additional-data')
      : success.getText();
    if (this.#scram.isFromServer(Buffer.from(proof ?? '', 'base64').toString())) return;
    const message = `${this.#line.address} does not know the password of this account: it is not the server that it claims to be`;
    this.end(new BusError('BUS_ACCESS_DENIED', message));
  }

  #onError(error: unknown): void {
    const name = error instanceof Error ? error.name : '';
    const fatal = ['StreamError', 'XMLError'].includes(name);
    // Once logged in, the library stumbles over single stanzas (an `iq` that makes no sense, say) and goes on.
    if (this.#watch === undefined || fatal) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.end(streamError(error, this.#line.address, this.#settings.domain));
  }

  #askForLife(): void {
    if (this.#xmpp.streamManagement.enabled) this.#requestAck();
    else {
      const ping = xml(
        'iq',
        { type: 'get', to: this.#settings.domain },
        xml('ping', { xmlns: NS.ping }),
      );
      this.request(ping).catch(() => undefined);
    }
  }

  #requestAck(): void {
    this.#sinceAckRequest = 0;
    const { enabled, outbound_q } = this.#xmpp.streamManagement;
    if (!enabled) return;
    if (outbound_q.length > MAX_UNACKED_STANZAS) {
      const message = `the server has not acknowledged ${outbound_q.length} stanzas`;
      this.end(new BusError('BUS_UNREACHABLE', message));
      return;
    }
    this.#write(xml('r', { xmlns: NS.sm }));
  }

  #lost(cause: Error | undefined): BusError {
    return lineError(cause ?? new Error('the server hung up'), this.#line.address);
  }

  #silent(): BusError {
    const { ackTimeoutMs } = this.#settings;
    const message = `${this.#line.address} gave no sign of life for ${ackTimeoutMs} ms (ackTimeoutMs)`;
    return new BusError('BUS_UNREACHABLE', message);
  }
}

function isWhole(xmpp: Client): xmpp is Client & Untyped {
  return 'saslFactory' in xmpp && 'outbound_q' in xmpp.streamManagement;
}

/** The library has a mechanism of that name already. */
function aliasOf(name: string): string {
  return `unstale ${name}`;
}

function timeout(delayMs: number): { readonly promise: Promise<void>; readonly stop: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, delayMs);
  });
  return {
    promise,
    stop: () => {
      clearTimeout(timer);
    },
  };
}
