import { randomUUID } from 'node:crypto';

import { type ConfirmChannel, connect, type Options } from 'amqplib';

import { rabbitmq } from '../../support/brokers.ts';
import { type AmqpMember, amqpMember } from './amqp-member.ts';

/** Opens members on the shared RabbitMQ, and closes them after each test. */
export function memberPerTest(): typeof amqpMember {
  const open: AmqpMember[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ bus }) => bus.close()));
  });
  return async (options) => {
    const opened = await amqpMember(options);
    open.push(opened);
    return opened;
  };
}

export function newExchange(): string {
  return `test-${randomUUID()}`;
}

/** Acts as any other program that uses the broker. */
export async function withChannel(
  act: (channel: ConfirmChannel) => Promise<unknown>,
): Promise<void> {
  const { host, port, username, password } = await rabbitmq();
  const connection = await connect({ hostname: host, port, username, password });
  connection.on('error', () => undefined);
  await act(await connection.createConfirmChannel());
  await connection.close();
}

/** Publishes a message as any other program would. */
export async function send(
  exchange: string,
  text: string,
  options: Options.Publish,
): Promise<void> {
  await withChannel(async (channel) => {
    channel.publish(exchange, '', Buffer.from(text), options);
    await channel.waitForConfirms();
  });
}
