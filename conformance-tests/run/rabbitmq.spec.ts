import { connect } from 'amqplib';

import { amqpBus, exchangeFor } from '../../adapters/amqp/index.ts';
import { rabbitmq } from '../../test/support/brokers.ts';
import { describeInvalidationBus } from '../index.ts';

const WRONG = 'not-the-password';
const CREDENTIALS = { username: 'unstale', password: 'unstale-secret' };

describeInvalidationBus('amqp (RabbitMQ)', {
  broker: rabbitmq,
  createBus: ({ host, port, channel, tuning }) =>
    amqpBus({ host, port, ...CREDENTIALS, exchange: channel, heartbeatMs: 1_000, tuning }),
  wrongCredential: ({ host, port, channel, tuning }) =>
    amqpBus({ host, port, username: 'unstale', password: WRONG, exchange: channel, tuning }),
  wrongSecret: WRONG,
  async foreign({ host, port, channel }, text) {
    const connection = await connect({ hostname: host, port, ...CREDENTIALS });
    const publisher = await connection.createConfirmChannel();
    publisher.publish(exchangeFor(channel), '', Buffer.from(text));
    await publisher.waitForConfirms();
    await connection.close();
  },
  halfOpenWithinMs: 6_000,
});
