import { createHash, randomBytes } from 'node:crypto';

import { BusError, type Frame, type Link, type LinkEvents } from '../../src/index.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { DiscardAdvisory } from './discard-advisory.ts';
import type { Headers } from './incoming-frame.ts';
import { PublisherNumbers } from './publisher-numbers.ts';
import { stompError } from './stomp-errors.ts';
import type { Endpoint, StompSettings } from './stomp-options.ts';
import { textOf } from './text-of.ts';
import { MAX_MESSAGE_BYTES, type StompMessage, StompSession } from './stomp-session.ts';

export interface StompLinkOptions {
  readonly endpoint: Endpoint;
  readonly settings: StompSettings;
  readonly events: LinkEvents;
}

/** What tells a frame from any other message on the topic. A name that Java's message selectors can hold. */
export const FRAME_HEADER = 'unstaleFrame';

/** Frames handed to the library and not confirmed: what a broker that does not read may cost in memory. */
const MAX_UNCONFIRMED_BYTES = 32 * 1_024 * 1_024;
/** Messages that RabbitMQ keeps for a slow bus; ActiveMQ has a policy for it and does not look at this. */
const MAX_QUEUE_LENGTH = 10_000;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const SUBSCRIPTION = 'frames';

/**
 * Two connections: a broker that is short of memory stops reading from whoever publishes, and must not stop reading
 * our acknowledgements and heart-beats with it.
 */
export class StompLink implements Link {
  readonly resumed = false;
  readonly #options: StompLinkOptions;
  readonly #consumer: StompSession;
  readonly #publisher: StompSession;
  readonly #acknowledgements: Acknowledgements;
  readonly #advisory: DiscardAdvisory;
  readonly #numbers = new PublisherNumbers();
  /** Names this link in the numbers of its frames. */
  readonly #name = randomBytes(8).toString('hex');
  #sent = 0;
  #gapTold = false;
  #stands = false;
  #over = false;
  /** What broke before the link stood, when nobody was to be told yet. */
  #failure: unknown;

  constructor(options: StompLinkOptions) {
    this.#options = options;
    const session = (): StompSession =>
      new StompSession({
        endpoint: options.endpoint,
        settings: options.settings,
        onMessage: (message) => {
          this.#hear(message);
        },
        onDown: (error) => {
          this.#down(error);
        },
      });
    this.#consumer = session();
    this.#publisher = session();
    this.#advisory = new DiscardAdvisory(this.#consumer, options.settings.destination);
    this.#acknowledgements = new Acknowledgements({
      prefetch: options.settings.prefetch,
      acknowledge: (id) => {
        this.#consumer.post('ACK', { id });
      },
    });
  }

  async open(): Promise<void> {
    try {
      await Promise.all([this.#consumer.connected(), this.#publisher.connected()]);
      await this.#advisory.subscribe();
      await this.#subscribe();
    } catch (error) {
      // What a connection said when it broke says more than the calls that broke with it.
      throw this.#failure ?? error;
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#stands = true;
  }

  send(frame: Frame): Promise<void> {
    const { unconfirmedBytes } = this.#publisher;
    if (unconfirmedBytes + frame.length > MAX_UNCONFIRMED_BYTES) {
      const message = `${unconfirmedBytes} bytes await confirmation; wait for some of them`;
      return Promise.reject(new BusError('BUS_REJECTED', message));
    }
    this.#sent += 1;
    const headers = {
      destination: this.#options.settings.destination,
      [FRAME_HEADER]: `${this.#name}-${this.#sent}`,
    };
    // Without `content-length`, so that ActiveMQ makes a TextMessage of it, which a Java program can read.
    return this.#publisher.request('SEND', headers, frame);
  }

  async detach(): Promise<void> {
    const farewell = !this.#over;
    this.#end();
    if (farewell) await Promise.all([this.#consumer.leave(), this.#publisher.leave()]);
    this.cut();
  }

  /** Ends both connections without a word. */
  cut(): void {
    this.#end();
    this.#consumer.cut();
    this.#publisher.cut();
  }

  /** The receipt says that from here on every message comes to us: ActiveMQ dispatches nothing before it is out. */
  async #subscribe(): Promise<void> {
    const { destination, prefetch } = this.#options.settings;
    await this.#consumer.request('SUBSCRIBE', {
      id: SUBSCRIPTION,
      destination,
      // With `auto` a message counts as delivered once it is written, and nothing holds a fast publisher back.
      ack: 'client',
      'activemq.prefetchSize': String(prefetch),
      'prefetch-count': String(prefetch),
      // For RabbitMQ: a queue that ends with its connection, and that loses its oldest messages when it is full.
      durable: 'false',
      exclusive: 'true',
      'auto-delete': 'true',
      'x-max-length': String(MAX_QUEUE_LENGTH),
    });
  }

  #hear({ headers, bytes, total }: StompMessage): void {
    const { events } = this.#options;
    if (headers['subscription'] !== SUBSCRIPTION) {
      if (this.#advisory.isAboutUs(headers)) {
        this.#gap('the broker discarded messages for us: we did not keep up');
      }
      return;
    }
    const acknowledgement = headers['ack'];
    if (acknowledgement !== undefined) this.#acknowledgements.due(acknowledgement);
    if (total > MAX_MESSAGE_BYTES) {
      this.#gap(`a message of ${total} bytes was dropped`);
      return;
    }
    const text = textOf(bytes);
    const mark = headers[FRAME_HEADER];
    if (mark === undefined || !PRINTABLE_ASCII.test(text)) {
      const sender = headers['JMSXUserID'] ?? headers['user-id'];
      const id = messageId(headers, bytes);
      events.foreign(sender === undefined ? { text, id } : { text, id, sender });
      return;
    }
    if (this.#numbers.isHole(mark)) {
      this.#gap('the broker dropped frames from our full queue');
    }
    this.#gapTold = false;
    events.frame(text);
  }

  /** Once until the next frame: the broker tells of every single message that it discards. */
  #gap(message: string): void {
    if (this.#gapTold) return;
    this.#gapTold = true;
    this.#options.events.gap(new BusError('BUS_OVERFLOW', message));
  }

  #down(error: unknown): void {
    if (this.#over) return;
    if (!this.#stands) {
      this.#failure ??= error;
      this.cut();
      return;
    }
    this.#end();
    const { endpoint, events } = this.#options;
    // Afterwards, so that the frame which the broker has refused is heard as refused, and not as unconfirmed.
    setImmediate(() => {
      events.down(stompError(error, endpoint, 'attached'));
    });
  }

  #end(): void {
    this.#over = true;
    this.#acknowledgements.stop();
  }
}

/**
 * The same for every bus that receives the message. RabbitMQ's `message-id` names the delivery, not the message;
 * what the sender called it comes as `amqp-message-id`, and for a message without a name its content must do.
 */
function messageId(headers: Headers, bytes: Buffer): string {
  const own = headers['amqp-message-id'];
  if (own !== undefined && own !== '') return own;
  const given = headers['message-id'] ?? '';
  if (given.startsWith('ID:')) return given;
  const hash = createHash('sha256')
    .update(bytes)
    .update(headers['timestamp'] ?? '');
  return hash.digest('hex').slice(0, 32);
}
