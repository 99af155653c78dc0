import { amqpBus, type AmqpBusOptions } from '../../../adapters/amqp/index.ts';
import type { InvalidationBus } from '../../../src/index.ts';
import { rabbitmq } from '../../support/brokers.ts';
import { Heard } from '../../support/heard.ts';

export interface AmqpMember {
  readonly bus: InvalidationBus;
  readonly heard: Heard;
}

/** What every bus of these tests has in common. */
export async function brokerOptions(): Promise<
  Pick<AmqpBusOptions, 'host' | 'port' | 'username' | 'password' | 'tuning'>
> {
  const { host, port, username, password } = await rabbitmq();
  return { host, port, username, password, tuning: { retryBaseMs: 20, retryCapMs: 200 } };
}

/** An open bus on the shared RabbitMQ. */
export async function amqpMember(
  options: Partial<AmqpBusOptions> & Pick<AmqpBusOptions, 'exchange'>,
): Promise<AmqpMember> {
  const bus = amqpBus({ ...(await brokerOptions()), ...options });
  const heard = new Heard();
  await bus.open(heard.receiver);
  return { bus, heard };
}
