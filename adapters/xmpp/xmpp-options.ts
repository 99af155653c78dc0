import { isIP } from 'node:net';
import { jid } from '@xmpp/client';
import type { BusTuning } from '../../src/index.ts';
import { resolveTls, type TlsSettings, type XmppTlsOptions } from './tls-options.ts';

export interface XmppBusOptions {
  /**
   * Where the server listens: `xmpp://host:port` (default port 5222; STARTTLS where the server offers it),
   * `xmpps://host:port` (5223; TLS from the first byte), `ws://host:port/path` or `wss://host:port/path`
   * (XMPP over WebSocket, RFC 7395; needs the package `ws`).
   */
  readonly service: string;
  /** Addresses (`host` or `host:port`) to try in turn instead of the one in `service`; names are resolved at every attempt. */
  readonly hosts?: readonly string[];
  /** The domain of the account. Default: the host of `service`; where that is an IP address, the room's domain without its first label. */
  readonly domain?: string;
  /** `name@service`, such as `cache@conference.example.com`. Any name: what an address cannot hold is escaped (XEP-0106). */
  readonly room: string;
  /** The account's name: the part before the `@`. */
  readonly username: string;
  readonly password: string;
  /** How the node is called in the room; something unique is appended. Default `unstale`. */
  readonly label?: string;
  /** For a room that asks for a password. */
  readonly roomPassword?: string;
  /** Passing it (even empty) makes encryption mandatory: an `xmpp://` server that offers no STARTTLS is refused. */
  readonly tls?: XmppTlsOptions;
  /** The longest frame, in bytes. Default 8,192: RFC 6120 promises no more than 10,000 bytes a stanza. */
  readonly maxFrameBytes?: number;
  /** After how much silence the server is asked for a sign of life (XEP-0198 `<r/>`, or a ping), in ms. Default 5,000. */
  readonly requestAckIntervalMs?: number;
  /** How long it may take to give one before the line counts as dead, in ms. Default 10,000. */
  readonly ackTimeoutMs?: number;
  /** After how much silence of the room we ask whether we are still in it (XEP-0410), in ms. Default 10,000. */
  readonly selfPingAfterMs?: number;
  /** The bounds of the engine: attach and confirm timeouts, backoff. */
  readonly tuning?: BusTuning;
}

/** One address to try. */
export interface Endpoint {
  readonly protocol: 'xmpp:' | 'xmpps:' | 'ws:' | 'wss:';
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface XmppSettings {
  readonly endpoints: readonly Endpoint[];
  readonly domain: string;
  /** The bare JID of the room, escaped and in the case in which servers spell it. */
  readonly room: string;
  readonly username: string;
  readonly password: string;
  readonly label: string;
  readonly roomPassword: string | undefined;
  readonly tls: TlsSettings;
  readonly maxFrameBytes: number;
  readonly requestAckIntervalMs: number;
  readonly ackTimeoutMs: number;
  readonly selfPingAfterMs: number;
  readonly attachTimeoutMs: number;
  readonly confirmTimeoutMs: number;
}

const DEFAULT_PORTS = { 'xmpp:': 5222, 'xmpps:': 5223, 'ws:': 80, 'wss:': 443 } as const;
/** RFC 6122: each part of an address has at most 1,023 bytes. */
const MAX_JID_PART_BYTES = 1_023;
const MAX_LABEL_CHARS = 200;
/** Times five for `&amp;`, it stays below what servers accept for a stanza (Prosody: 256 KiB). */
const MAX_FRAME_BYTES = 49_152;

/** @throws {TypeError} naming the option that is missing or wrong */
export function resolveOptions(options: XmppBusOptions): XmppSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('xmppBus takes an object of options: service, room, username, password, …');
  }
  const service = serviceOf(options.service);
  const room = roomOf(options.room);
  return Object.freeze({
    endpoints: endpointsOf(service, options.hosts),
    domain: domainOf(options.domain, service, room.domain),
    room: room.address,
    username: usernameOf(options.username),
    password: text('password', options.password),
    label: labelOf(options.label),
    roomPassword:
      options.roomPassword === undefined ? undefined : text('roomPassword', options.roomPassword),
    tls: resolveTls(options.tls),
    maxFrameBytes: frameBytesOf(options.maxFrameBytes),
    requestAckIntervalMs: ms('requestAckIntervalMs', options.requestAckIntervalMs, 5_000),
    ackTimeoutMs: ms('ackTimeoutMs', options.ackTimeoutMs, 10_000),
    selfPingAfterMs: ms('selfPingAfterMs', options.selfPingAfterMs, 10_000),
    attachTimeoutMs: ms('tuning.attachTimeoutMs', options.tuning?.attachTimeoutMs, 10_000),
    confirmTimeoutMs: ms('tuning.confirmTimeoutMs', options.tuning?.confirmTimeoutMs, 10_000),
  });
}

function serviceOf(service: unknown): URL & Pick<Endpoint, 'protocol'> {
  const wanted = 'service must be xmpp://host:port, xmpps://…, ws://… or wss://…';
  const url = urlOf(text('service', service));
  if (url === undefined || url.hostname === '') throw new TypeError(wanted);
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('service must hold no credentials: use `username` and `password`');
  }
  if (!hasKnownProtocol(url)) throw new TypeError(`${wanted}, got ${url.protocol}//…`);
  return url;
}

function hasKnownProtocol(url: URL): url is URL & Pick<Endpoint, 'protocol'> {
  return Object.hasOwn(DEFAULT_PORTS, url.protocol);
}

function endpointsOf(
  service: URL & Pick<Endpoint, 'protocol'>,
  hosts: readonly string[] | undefined,
): readonly Endpoint[] {
  if (hosts === undefined) return [endpointOf(service, service)];
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError('hosts must be a list of `host:port`, not empty');
  }
  return hosts.map((entry: unknown) => {
    const place = typeof entry === 'string' ? urlOf(`xmpp://${entry}`) : undefined;
    if (place === undefined || place.hostname === '' || place.host !== entry) {
      throw new TypeError(
        `hosts must hold \`host\` or \`host:port\`, got ${JSON.stringify(entry)}`,
      );
    }
    return endpointOf(service, place);
  });
}

function endpointOf(service: URL & Pick<Endpoint, 'protocol'>, place: URL): Endpoint {
  const { protocol } = service;
  const port = Number(place.port) || Number(service.port) || DEFAULT_PORTS[protocol];
  const host = place.hostname.replace(/^\[(.*)\]$/, '$1');
  const { pathname, search } = service;
  return {
    protocol,
    host,
    port,
    url: `${protocol}//${place.hostname}:${port}${pathname}${search}`,
  };
}

function roomOf(room: unknown): { readonly address: string; readonly domain: string } {
  const wanted = 'room must be name@service, such as cache@conference.example.com';
  const whole = text('room', room).normalize('NFKC');
  const at = whole.lastIndexOf('@');
  const name = whole.slice(0, Math.max(at, 0));
  const domain = whole.slice(at + 1);
  if (at <= 0 || domain === '') throw new TypeError(wanted);
  if (/[/\s]/.test(domain)) throw new TypeError(`${wanted}, without a nickname behind it`);
  if (name !== name.trim()) throw new TypeError('room must not begin or end with a space');
  const address = jid(name, domain);
  checkPart('room', address.local);
  checkPart('room', domain);
  return { address: address.toString(), domain: address.domain };
}

function domainOf(domain: unknown, service: URL, roomDomain: string): string {
  if (domain !== undefined) {
    const given = text('domain', domain).toLowerCase();
    if (/[@/\s]/.test(given)) throw new TypeError('domain must be a domain: no `@`, no `/`');
    checkPart('domain', given);
    return given;
  }
  const host = service.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? host.toLowerCase() : roomDomain.slice(roomDomain.indexOf('.') + 1);
}

function usernameOf(username: unknown): string {
  const name = text('username', username);
  // RFC 6122 section 2.3: what the part of an address before the @ cannot hold.
  if (/[\s"&'/:<>@]/.test(name)) {
    throw new TypeError('username must be the part before the @: no space, none of "&\'/:<>@');
  }
  checkPart('username', name);
  return name;
}

function labelOf(label: unknown): string {
  if (label === undefined) return 'unstale';
  const given = text('label', label).trim();
  if (given === '' || given.length > MAX_LABEL_CHARS) {
    throw new TypeError(`label must have 1 to ${MAX_LABEL_CHARS} characters`);
  }
  return given;
}

function frameBytesOf(value: unknown): number {
  if (value === undefined) return 8_192;
  if (!Number.isInteger(value) || Number(value) < 1_024 || Number(value) > MAX_FRAME_BYTES) {
    throw new TypeError(`maxFrameBytes must be a whole number from 1024 to ${MAX_FRAME_BYTES}`);
  }
  return Number(value);
}

/** Node's timers take at most 2^31 - 1 ms. */
function ms(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0) || value > 2_147_483_647) {
    throw new TypeError(`${name} must be a number of ms above 0, got ${JSON.stringify(value)}`);
  }
  return value;
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${name} must be a text, not empty`);
  }
  // Neither XML nor an address can hold these.
  if (/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(value)) {
    throw new TypeError(`${name} must hold no control character and no lone surrogate`);
  }
  return value;
}

function checkPart(name: string, part: string): void {
  const bytes = Buffer.byteLength(part);
  if (bytes > MAX_JID_PART_BYTES) {
    throw new TypeError(
      `${name} has ${bytes} bytes in an address, XMPP allows ${MAX_JID_PART_BYTES}`,
    );
  }
}

function urlOf(address: string): URL | undefined {
  return URL.canParse(address) ? new URL(address) : undefined;
}
