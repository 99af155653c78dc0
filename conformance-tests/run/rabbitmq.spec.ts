import { connect } from 'amqplib';

import { amqpBus, exchangeFor, type AmqpBusOptions } from '../../adapters/amqp/index.ts';
import { amqpServer } from '../../test/support/servers.ts';
import {
  describeBusEndurance,
  describeInvalidationBus,
  type BusFixture,
  type BusPlace,
} from '../index.ts';

let account = { username: '', password: '' };

const fixture: BusFixture = {
  async broker() {
    const { host, port, username, password } = await amqpServer();
    account = { username, password };
    return { host, port };
  },
  createBus: (place) => bus(place),
  wrongCredential: (place) => bus(place, { password: 'not-the-password' }),
  wrongSecret: 'not-the-password',
  async foreign({ host, port, channel }, text) {
    const connection = await connect({ hostname: host, port, ...account });
    const publisher = await connection.createConfirmChannel();
    publisher.publish(exchangeFor(channel), '', Buffer.from(text));
    await publisher.waitForConfirms();
    await connection.close();
  },
  halfOpenWithinMs: 6_000,
};

describeInvalidationBus('AMQP on RabbitMQ', fixture);
describeBusEndurance('AMQP on RabbitMQ', fixture);

function bus({ host, port, channel, tuning }: BusPlace, options: Partial<AmqpBusOptions> = {}) {
  const { username, password } = account;
  const given = { host, port, exchange: channel, username, password };
  return amqpBus({ ...given, heartbeatMs: 1_000, tuning, ...options });
}
