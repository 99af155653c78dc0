import { createSecureContext, type SecureContextOptions } from 'node:tls';

import type { BusTuning } from '../../src/index.ts';
import { exchangeFor } from './exchange-name.ts';

export interface AmqpBusOptions {
  /** The fanout exchange: made if missing, durable. Buses of one broker, virtual host and exchange hear each other. */
  readonly exchange: string;
  /** Default `localhost`. */
  readonly host?: string;
  /** Default 5672, with `tls` 5671. */
  readonly port?: number;
  /** Addresses (`host` or `host:port`) to try in turn instead of `host`, from a random one on; names are resolved at every attempt. */
  readonly hosts?: readonly string[];
  /** The virtual host. Default `/`. */
  readonly vhost?: string;
  /** Default `guest`, which RabbitMQ lets in from its own machine only. */
  readonly username?: string;
  /** Default `guest`. */
  readonly password?: string;
  /** Passing it (even empty) makes encryption mandatory. */
  readonly tls?: AmqpTlsOptions;
  /** How often each side gives a sign of life, in ms, rounded up to whole seconds; after two silent ones the line is dead. Default 10,000. */
  readonly heartbeatMs?: number;
  /** Messages that the broker hands out before we have acknowledged earlier ones. Default 500. */
  readonly prefetch?: number;
  /** Messages that the broker keeps for a slow bus; more means that the oldest are dropped, which is heard as a `gap`. Default 10,000. */
  readonly maxQueueLength?: number;
  /** The same in bytes. Default 8 MiB. */
  readonly maxQueueBytes?: number;
  /** How long our own frame may take to come back once the broker has confirmed it, in ms; after that we count as deaf and attach anew. Default 10,000. */
  readonly echoTimeoutMs?: number;
  /** The longest frame, in bytes. Default 65,536. */
  readonly maxFrameBytes?: number;
  /** The bounds of the engine: attach and confirm timeouts, backoff. */
  readonly tuning?: BusTuning;
}

export interface AmqpTlsOptions {
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

export interface AmqpSettings {
  readonly exchange: string;
  readonly endpoints: readonly Endpoint[];
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly tls: TlsSettings | undefined;
  /** As AMQP counts it. */
  readonly heartbeatSeconds: number;
  readonly prefetch: number;
  readonly maxQueueLength: number;
  readonly maxQueueBytes: number;
  readonly echoTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly connectTimeoutMs: number;
  readonly random: () => number;
}

export interface TlsSettings extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

/** AMQP carries it as 16 bits. */
const MAX_HEARTBEAT_MS = 65_535_000;
const MAX_PREFETCH = 65_535;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** RabbitMQ takes 16 MiB by default since 4.0, and the queue should hold more than one. */
const MAX_FRAME_BYTES = 1_048_576;

/** @throws {TypeError} naming the option that is missing or wrong */
export function resolveOptions(options: AmqpBusOptions): AmqpSettings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      'amqpBus takes an object of options: exchange, host, username, password, …',
    );
  }
  const tls = tlsOf(options.tls);
  const endpoints = endpointsOf(options, tls === undefined ? 5672 : 5671);
  const attachTimeoutMs = options.tuning?.attachTimeoutMs ?? 10_000;
  return Object.freeze({
    exchange: exchangeFor(text('exchange', options.exchange)),
    endpoints,
    vhost: text('vhost', options.vhost ?? '/'),
    username: text('username', options.username ?? 'guest'),
    password: text('password', options.password ?? 'guest'),
    tls,
    heartbeatSeconds: Math.ceil(
      count('heartbeatMs', options.heartbeatMs, { otherwise: 10_000, most: MAX_HEARTBEAT_MS }) /
        1_000,
    ),
    prefetch: count('prefetch', options.prefetch, { otherwise: 500, most: MAX_PREFETCH }),
    maxQueueLength: count('maxQueueLength', options.maxQueueLength, { otherwise: 10_000 }),
    maxQueueBytes: count('maxQueueBytes', options.maxQueueBytes, { otherwise: 8 * 1_024 * 1_024 }),
    echoTimeoutMs: count('echoTimeoutMs', options.echoTimeoutMs, {
      otherwise: 10_000,
      most: MAX_TIMER_MS,
    }),
    maxFrameBytes: count('maxFrameBytes', options.maxFrameBytes, {
      otherwise: 65_536,
      most: MAX_FRAME_BYTES,
    }),
    // One address that does not answer must leave time for the others.
    connectTimeoutMs: Math.max(1_000, Math.floor(attachTimeoutMs / endpoints.length)),
    random: options.tuning?.random ?? Math.random,
  });
}

function endpointsOf(options: AmqpBusOptions, defaultPort: number): readonly Endpoint[] {
  const { host = 'localhost', port = defaultPort, hosts } = options;
  count('port', port, { otherwise: defaultPort, most: 65_535 });
  if (hosts === undefined) return [{ host: text('host', host), port }];
  if (!Array.isArray(hosts) || hosts.length === 0) {
    throw new TypeError('hosts must be a list of `host` or `host:port`, not empty');
  }
  return hosts.map((entry: unknown) => {
    const url = typeof entry === 'string' && URL.canParse(`amqp://${entry}`);
    const place = url ? new URL(`amqp://${entry}`) : undefined;
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

function tlsOf(tls: AmqpTlsOptions | undefined): TlsSettings | undefined {
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

function count(
  name: string,
  value: unknown,
  range: { readonly otherwise: number; readonly most?: number },
): number {
  const { otherwise, most = Number.MAX_SAFE_INTEGER } = range;
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
