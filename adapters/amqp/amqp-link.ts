import { randomBytes } from 'node:crypto';

import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';

import { BusError, type Frame, type Link, type LinkEvents } from '../../src/index.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { amqpError } from './amqp-errors.ts';
import type { AmqpSettings, Endpoint } from './amqp-options.ts';
import { connectTo } from './connect-to.ts';
import { FRAME_CONTENT_TYPE, readDelivery } from './delivery.ts';
import { EchoWatch } from './echo-watch.ts';
import { PublisherNumbers } from './publisher-numbers.ts';

export interface AmqpLinkOptions {
  readonly endpoint: Endpoint;
  readonly settings: AmqpSettings;
  readonly events: LinkEvents;
}

/** Frames handed to the library and not confirmed: what a broker that does not read may cost in memory. */
const MAX_UNCONFIRMED_BYTES = 16 * 1_024 * 1_024;
/** How long the broker may take to say goodbye, in ms. */
const FAREWELL_MS = 1_000;

/**
 * Two connections: a broker under a resource alarm stops reading from the ones that publish, and must not stop
 * reading our acknowledgements with them (RabbitMQ, "Memory Alarms").
 */
export class AmqpLink implements Link {
  readonly resumed = false;
  readonly #options: AmqpLinkOptions;
  /** Aborted to end both connections at once, in whatever state they are. */
  readonly #life = new AbortController();
  readonly #connections: ChannelModel[] = [];
  /** Names this link in the numbers of its frames. */
  readonly #name = randomBytes(8).toString('hex');
  readonly #numbers = new PublisherNumbers();
  readonly #echo: EchoWatch;
  #publisher: ConfirmChannel | undefined;
  #acknowledgements: Acknowledgements | undefined;
  #sent = 0;
  #unconfirmedBytes = 0;
  /** Why the broker does not read, while it does not. */
  #blocked: string | undefined;
  #stands = false;
  #over = false;
  /** What broke before the link stood, when nobody was to be told yet. */
  #failure: unknown;

  constructor(options: AmqpLinkOptions) {
    this.#options = options;
    this.#echo = new EchoWatch({
      timeoutMs: options.settings.echoTimeoutMs,
      onDeaf: () => {
        const message = 'the broker confirms our frames and does not deliver them to us';
        this.#down(new BusError('BUS_EVICTED', message));
      },
    });
  }

  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      // What a connection said when it broke says more than the calls that broke with it.
      throw this.#failure ?? error;
    }
  }

  async #open(): Promise<void> {
    const [consumer, publisher] = await Promise.all([this.#connect(), this.#connect()]);
    publisher.on('blocked', (reason) => {
      this.#blocked = reason;
    });
    publisher.on('unblocked', () => {
      this.#blocked = undefined;
    });
    const channel = await publisher.createConfirmChannel();
    this.#watch(channel);
    channel.on('return', () => {
      const message = 'no queue is bound to the exchange any more, not even ours';
      this.#down(new BusError('BUS_EVICTED', message));
    });
    this.#publisher = channel;
    await this.#consume(await consumer.createChannel());
    if (this.#failure !== undefined) throw this.#failure;
    this.#stands = true;
  }

  send(frame: Frame): Promise<void> {
    if (this.#blocked !== undefined) {
      const message = `the broker is short of something and reads no messages: ${this.#blocked}`;
      return Promise.reject(new BusError('BUS_REJECTED', message));
    }
    const content = Buffer.from(frame, 'latin1');
    if (this.#unconfirmedBytes + content.length > MAX_UNCONFIRMED_BYTES) {
      const message = `${this.#unconfirmedBytes} bytes await confirmation; wait for some of them`;
      return Promise.reject(new BusError('BUS_REJECTED', message));
    }
    this.#sent += 1;
    const number = this.#sent;
    const { exchange } = this.#options.settings;
    const properties = {
      mandatory: true,
      persistent: false,
      contentType: FRAME_CONTENT_TYPE,
      messageId: `${this.#name}-${number}`,
    };
    return new Promise((resolve, reject) => {
      this.#publisher?.publish(exchange, '', content, properties, (error: unknown) => {
        this.#unconfirmedBytes -= content.length;
        if (error) {
          reject(this.#over ? unconfirmed() : nacked());
          return;
        }
        this.#echo.confirmed(number);
        resolve();
      });
      this.#unconfirmedBytes += content.length;
    });
  }

  async detach(): Promise<void> {
    const farewell = !this.#over;
    this.#end();
    if (farewell) await this.#sayGoodbye();
    this.cut();
  }

  /** Ends both connections without a word. */
  cut(): void {
    this.#end();
    this.#life.abort();
  }

  async #connect(): Promise<ChannelModel> {
    const { endpoint, settings } = this.#options;
    const connection = await connectTo(endpoint, settings, this.#life.signal);
    this.#watch(connection);
    this.#connections.push(connection);
    return connection;
  }

  /** Exchange, queue, binding, consumer: once this resolves, everything accepted is delivered to us. */
  async #consume(channel: Channel): Promise<void> {
    const { exchange, prefetch, maxQueueLength, maxQueueBytes } = this.#options.settings;
    this.#watch(channel);
    this.#acknowledgements = new Acknowledgements(channel, prefetch);
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: {
        'x-queue-type': 'classic',
        'x-max-length': maxQueueLength,
        'x-max-length-bytes': maxQueueBytes,
        // Never `reject-publish`: one slow bus would make the broker refuse what all others have got.
        'x-overflow': 'drop-head',
      },
    });
    await channel.bindQueue(queue, exchange, '');
    await channel.prefetch(prefetch);
    await channel.consume(queue, (message) => {
      if (message === null) {
        this.#down(new BusError('BUS_EVICTED', 'the broker cancelled our consumer'));
        return;
      }
      this.#hear(message);
      this.#acknowledgements?.due(message);
    });
  }

  #hear(message: ConsumeMessage): void {
    const { events } = this.#options;
    const delivery = readDelivery(message);
    if (delivery.type === 'foreign') {
      events.foreign(delivery.message);
      return;
    }
    const { id, frame } = delivery;
    if (this.#numbers.isHole(id)) {
      // RabbitMQ drops from the head of a full queue and tells nobody.
      const lost = 'the broker dropped frames from our full queue (maxQueueLength)';
      events.gap(new BusError('BUS_OVERFLOW', lost));
    }
    const [publisher, number] = id.split('-');
    this.#echo.heard(publisher === this.#name ? Number(number) : 0);
    events.frame(frame);
  }

  #watch(emitter: Channel | ChannelModel): void {
    emitter.on('error', (error: Error) => {
      this.#down(error);
    });
    emitter.on('close', (error?: Error) => {
      this.#down(error ?? new Error('the broker closed the connection'));
    });
  }

  #down(error: unknown): void {
    if (this.#over) return;
    if (!this.#stands) {
      this.#failure ??= error;
      return;
    }
    this.#end();
    const { endpoint, events } = this.#options;
    events.down(amqpError(error, { endpoint, wasIn: true }));
  }

  #end(): void {
    this.#over = true;
    this.#echo.stop();
    this.#acknowledgements?.stop();
  }

  async #sayGoodbye(): Promise<void> {
    const closing = Promise.allSettled(this.#connections.map((connection) => connection.close()));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FAREWELL_MS);
      void closing.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function nacked(): BusError {
  return new BusError('BUS_REJECTED', 'the broker could not take the frame (nack)');
}

function unconfirmed(): BusError {
  const message = 'the connection ended before the broker confirmed the frame';
  return new BusError('BUS_UNCONFIRMED', message);
}
