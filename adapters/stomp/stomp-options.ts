import { createSecureContext, type SecureContextOptions } from 'node:tls';

import type { BusTuning } from '../../src/index.ts';
import { destinationFor } from './destination.ts';

export interface StompBusOptions {
  /** The topic, without `/topic/`. Buses of one broker, virtual host and topic hear each other. */
  readonly topic: string;
  /** Default `localhost`. */
  readonly host?: string;
  /** Default 61613, with `tls` 61614. */
  readonly port?: number;
  /** Addresses (`host` or `host:port`) to try in turn instead of `host`, from a random one on; names are resolved at every attempt. */
  readonly hosts?: readonly string[];
  /** The virtual host; ActiveMQ has none and does not look at it. Default `/`. */
  readonly vhost?: string;
  readonly username: string;
  readonly password: string;
  /** Passing it (even empty) makes encryption mandatory. */
  readonly tls?: StompTlsOptions;
  /** How often each side gives a sign of life, in ms; after two silent ones the line is dead. Default 10,000. */
  readonly heartbeatMs?: number;
  /** Messages that the broker hands out before we have acknowledged earlier ones. Default 500. */
  readonly prefetch?: number;
  /** The longest frame, in bytes. Default 65,536. */
  readonly maxFrameBytes?: number;
  /** The bounds of the engine: attach and confirm timeouts, backoff. */
  readonly tuning?: BusTuning;
}

export interface StompTlsOptions {
  /** Certificate authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** The client's own certificate, PEM, for brokers that ask for one. */
  readonly cert?: string | Buffer;
  /** The key of `cert`, PEM. */
  readonly key?: string | Buffer;
  /** The name that the broker's certificate must carry. Default: the host. */
  readonly servername?: string;
  /** `true` accepts any certificate, so anybody can pose as the broker. For experiments. Default `false`. */
  readonly acceptAnyCertificate?: boolean;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface StompSettings {
  /** As it stands in the header `destination`. */
  readonly destination: string;
  readonly endpoints: readonly Endpoint[];
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly tls: TlsSettings | undefined;
  readonly heartbeatMs: number;
  readonly prefetch: number;
  readonly maxFrameBytes: number;
  readonly connectTimeoutMs: number;
  readonly random: () => number;
}

export interface TlsSettings extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

const MAX_HEARTBEAT_MS = 3_600_000;
const MAX_PREFETCH = 65_535;
const MAX_FRAME_BYTES = 1_048_576;

/** @throws {TypeError} naming the option that is missing or wrong */
export function resolveOptions(options: StompBusOptions): StompSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('stompBus takes an object of options: topic, host, username, password, …');
  }
  const tls = tlsOf(options.tls);
  const endpoints = endpointsOf(options, tls === undefined ? 61_613 : 61_614);
  const attachTimeoutMs = options.tuning?.attachTimeoutMs ?? 10_000;
  return Object.freeze({
    destination: destinationFor(text('topic', options.topic)),
    endpoints,
    vhost: credential('vhost', options.vhost ?? '/'),
    username: credential('username', options.username),
    password: credential('password', options.password),
    tls,
    heartbeatMs: count('heartbeatMs', options.heartbeatMs, 10_000, MAX_HEARTBEAT_MS),
    prefetch: count('prefetch', options.prefetch, 500, MAX_PREFETCH),
    maxFrameBytes: count('maxFrameBytes', options.maxFrameBytes, 65_536, MAX_FRAME_BYTES),
    // One address that does not answer must leave time for the others.
    connectTimeoutMs: Math.max(1_000, Math.floor(attachTimeoutMs / endpoints.length)),
    random: options.tuning?.random ?? Math.random,
  });
}

function endpointsOf(options: StompBusOptions, defaultPort: number): readonly Endpoint[] {
  const { host = 'localhost', hosts } = options;
  const port = count('port', options.port, defaultPort, 65_535);
  if (hosts === undefined) return [{ host: text('host', host), port }];
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError('hosts must be a list of `host` or `host:port`, not empty');
  }
  return hosts.map((entry: unknown) => {
    const url = typeof entry === 'string' && URL.canParse(`stomp://${entry}`);
    const place = url ? new URL(`stomp://${entry}`) : undefined;
    if (place === undefined || place.hostname === '' || place.host !== entry) {
      throw new TypeError(
        `hosts must hold \`host\` or \`host:port\`, got ${JSON.stringify(entry)}`,
      );
    }
    return {
      host: place.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: place.port === '' ? port : Number(place.port),
    };
  });
}

function tlsOf(tls: StompTlsOptions | undefined): TlsSettings | undefined {
  if (tls === undefined) return undefined;
  if (typeof tls !== 'object' || tls === null) {
    throw new TypeError('tls must be an object: { ca, cert, key, servername }');
  }
  const { ca, cert, key, servername, acceptAnyCertificate = false } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError('tls.cert and tls.key go together');
  }
  if (typeof acceptAnyCertificate !== 'boolean') {
    throw new TypeError('tls.acceptAnyCertificate must be true or false');
  }
  const pem: SecureContextOptions = {
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext(pem);
  } catch {
    // The reason may quote the key: it is not passed on.
    throw new TypeError('tls.ca, tls.cert and tls.key must be PEM, and the key must fit');
  }
  return {
    ...pem,
    rejectUnauthorized: !acceptAnyCertificate,
    ...(servername === undefined ? {} : { servername: text('tls.servername', servername) }),
  };
}

/** In CONNECT a line end is not escaped (STOMP 1.2, "Value Encoding"): what follows it would be a header of its own. */
function credential(name: string, value: unknown): string {
  const given = text(name, value);
  // oxlint-disable-next-line no-control-regex -- a control character is exactly what is looked for
  if (/[\0\r\n]/.test(given)) throw new TypeError(`${name} must not hold a line end or a zero`);
  return given;
}

function count(name: string, value: unknown, otherwise: number, most: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new TypeError(
      `${name} must be a whole number from 1 to ${most}, got ${JSON.stringify(value)}`,
    );
  }
  return value;
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${name} must be a text, not empty`);
  }
  return value;
}
