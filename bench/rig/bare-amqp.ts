import { connect } from 'amqplib';
import { BareCache } from './bare-cache.ts';
import type { Contender, ContenderConfig } from './contender.ts';

/** amqplib: a fanout exchange, an exclusive queue for each subscriber, a confirm channel, one key a message. */
export async function bareAmqp(
  config: Extract<ContenderConfig, { type: 'bare-amqp' }>,
  role: 'publisher' | 'subscriber',
): Promise<Contender> {
  const { host: hostname, port, username, password, exchange } = config;
  const connection = await connect({ hostname, port, username, password }, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const cache = new BareCache();
  await channel.assertExchange(exchange, 'fanout', { durable: true });
  if (role === 'subscriber') {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, exchange, '');
    const onMessage = (message: { readonly content: Buffer } | null): void => {
      if (message !== null) cache.drop(message.content.toString('latin1'));
    };
    await channel.consume(queue, onMessage, { noAck: true });
  }
  return Object.assign(cache, {
    publish(key: string): Promise<void> {
      return new Promise((resolve, reject) => {
        channel.publish(exchange, '', Buffer.from(key, 'latin1'), {}, (error: unknown) => {
          if (error instanceof Error) reject(error);
          else resolve();
        });
      });
    },
    close: () => connection.close(),
  });
}
