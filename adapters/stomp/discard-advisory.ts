import type { Headers } from './incoming-frame.ts';
import type { StompSession } from './stomp-session.ts';

const SUBSCRIPTION = 'discards';

/**
 * ActiveMQ discards the oldest messages of a subscriber that does not keep up, and tells it on a topic of its own
 * where the policy has `advisoryForDiscardingMessages`. Other brokers have no such topic.
 */
export class DiscardAdvisory {
  readonly #session: StompSession;
  readonly #topic: string;

  constructor(session: StompSession, destination: string) {
    this.#session = session;
    this.#topic = destination.replace(
      '/topic/',
      '/topic/ActiveMQ.Advisory.MessageDiscarded.Topic.',
    );
  }

  async subscribe(): Promise<void> {
    if (!this.#session.server.startsWith('ActiveMQ/')) return;
    const headers = { id: SUBSCRIPTION, destination: this.#topic, ack: 'auto' };
    await this.#session.request('SUBSCRIBE', headers);
  }

  /** Whether it is our subscription from which messages were discarded. */
  isAboutUs(headers: Headers): boolean {
    if (headers['subscription'] !== SUBSCRIPTION) return false;
    const consumer = headers['consumerId'];
    return consumer === undefined || consumer.startsWith(`${this.#session.id}:`);
  }
}
