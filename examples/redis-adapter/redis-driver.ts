import { Redis } from 'ioredis';
import {
  BusError,
  type BusCapabilities,
  type BusDriver,
  type Link,
  type LinkEvents,
} from 'unstale';
import { decode, encode } from './redis-message.ts';
import type { RedisBusOptions } from './redis-bus.ts';

type DriverOptions = RedisBusOptions & { readonly pingEveryMs: number };

/** Makes attempts to attach. Everything else is `createBus`. */
export class RedisDriver implements BusDriver {
  readonly capabilities: BusCapabilities = {
    // One thread works on all commands and writes to each subscriber in that order.
    ordering: 'total',
    // Pub/sub keeps nothing: what is said while we are away is gone.
    resumption: false,
    maxFrameBytes: 64 * 1024,
  };
  readonly #options: DriverOptions;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  async attach(events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const link = new RedisLink(this.#options, events);
    const onAbort = (): void => {
      void link.detach();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await link.attach();
      return link;
    } catch (error) {
      await link.detach();
      throw asBusError(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** One attachment: a connection that listens, and one that speaks. Redis wants them apart. */
class RedisLink implements Link {
  readonly resumed = false;
  readonly #options: DriverOptions;
  readonly #events: LinkEvents;
  readonly #listening: Redis;
  readonly #speaking: Redis;
  #pings: NodeJS.Timeout | undefined;
  #answered = true;
  /** What a connection said last: a closed one only says that it is closed. */
  #trouble: unknown;

  constructor(options: DriverOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#listening = this.#connection();
    this.#speaking = this.#connection();
  }

  async attach(): Promise<void> {
    const { channel, pingEveryMs } = this.#options;
    this.#listening.on('message', (_, payload) => {
      this.#hear(payload);
    });
    try {
      await Promise.all([this.#listening.connect(), this.#speaking.connect()]);
      // Redis answers once the subscription stands: every frame published from now on reaches us.
      await this.#listening.subscribe(channel);
    } catch (error) {
      throw this.#trouble ?? error;
    }
    for (const connection of [this.#listening, this.#speaking]) {
      connection.once('end', () => {
        this.#down();
      });
    }
    this.#pings = setInterval(() => {
      this.#ping();
    }, pingEveryMs);
  }

  async send(frame: string): Promise<void> {
    try {
      const heardBy = await this.#speaking.publish(this.#options.channel, encode(frame));
      // We listen ourselves, so nobody means that our subscription is gone.
      if (heardBy === 0) throw new BusError('BUS_EVICTED', 'Redis has dropped our subscription');
    } catch (error) {
      const cause = asBusError(error);
      if (cause.code === 'BUS_EVICTED') this.#events.down(cause);
      // Redis may have published it before the connection broke, so it is not certain that it was not sent.
      throw cause.code === 'BUS_UNREACHABLE' ? unconfirmed(cause) : cause;
    }
  }

  async detach(): Promise<void> {
    clearInterval(this.#pings);
    for (const connection of [this.#listening, this.#speaking]) connection.disconnect();
  }

  #connection(): Redis {
    const { host, port, username, password } = this.#options;
    const connection = new Redis({
      host,
      port,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      protocol: 2,
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      // What the client does about an outage is switched off: `createBus` does it, once for all adapters.
      retryStrategy: () => null,
      autoResubscribe: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 0,
      disconnectTimeout: 50,
    });
    connection.on('error', (error) => {
      this.#trouble ??= error;
    });
    return connection;
  }

  #hear(payload: string): void {
    const message = decode(payload);
    if (message.type === 'frame') this.#events.frame(message.frame);
    else this.#events.foreign({ text: message.text, id: message.id });
  }

  /** TCP alone would take minutes to notice a line that swallows everything. */
  #ping(): void {
    if (!this.#answered) {
      this.#down();
      return;
    }
    this.#answered = false;
    Promise.all([this.#listening.ping(), this.#speaking.ping()]).then(
      () => {
        this.#answered = true;
      },
      () => {
        this.#down();
      },
    );
  }

  #down(): void {
    this.#events.down(asBusError(this.#trouble ?? new Error('Redis does not answer')));
  }
}

function unconfirmed(cause: BusError): BusError {
  const message = 'the line broke before Redis confirmed the frame';
  return new BusError('BUS_UNCONFIRMED', message, { cause });
}

/** Says in the words of the port what ioredis and Redis say in theirs. */
function asBusError(error: unknown): BusError {
  if (error instanceof BusError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM)|invalid password/i.test(text)) {
    return new BusError('BUS_ACCESS_DENIED', `Redis refuses us (${text}); check user and password`);
  }
  return new BusError('BUS_UNREACHABLE', `Redis is out of reach: ${text}`, { cause: error });
}
