import { createHash } from 'node:crypto';

/**
 * The exchange of a channel: the same name where a broker takes it as it is, otherwise one made from its hash.
 * AMQP 0-9-1 limits names to 255 bytes, and RabbitMQ takes line ends out of them.
 */
export function exchangeFor(channel: string): string {
  if (/^[\x20-\x7e]{1,200}$/.test(channel)) return channel;
  const hash = createHash('sha256').update(JSON.stringify(channel)).digest('hex');
  return `unstale.${hash.slice(0, 32)}`;
}
