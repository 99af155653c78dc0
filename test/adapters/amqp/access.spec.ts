import { createServer } from 'node:net';
import { inspect } from 'node:util';

import { expect } from 'chai';

import { amqpBus } from '../../../adapters/amqp/index.ts';
import { listen } from '../../../conformance-tests/listen.ts';
import { rabbitmq } from '../../support/brokers.ts';
import { Heard } from '../../support/heard.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { brokerOptions } from './amqp-member.ts';
import { memberPerTest, newExchange, withChannel } from './rabbitmq-tools.ts';

describe('the amqp bus at the door of RabbitMQ', function () {
  this.timeout(120_000);
  const member = memberPerTest();
  before('RabbitMQ runs', () => rabbitmq());

  describe('lets nobody in', () => {
    it('with a wrong password, and does not show it', async () => {
      const password = 'open-sesame-4711';
      const bus = amqpBus({ ...(await brokerOptions()), password, exchange: newExchange() });
      const error = await rejection(bus.open(new Heard().receiver));
      expect(error).to.include({ code: 'BUS_ACCESS_DENIED' });
      expect(inspect(error, { depth: 10, showHidden: true })).to.not.contain(password);
    });

    it('to a virtual host that does not exist', async () => {
      const bus = amqpBus({ ...(await brokerOptions()), vhost: '/no é', exchange: newExchange() });
      const error = await rejection(bus.open(new Heard().receiver));
      expect(error).to.include({ code: 'BUS_ACCESS_DENIED' });
      expect(error).to.have.property('message').that.contains('virtual host');
    });

    it('who may not use the exchange', async () => {
      const broker = await rabbitmq();
      await broker.addUser('narrow', 'pw');
      await broker.setPermissions('narrow', { configure: '^amq\\.gen', write: '', read: '' });
      const credentials = { username: 'narrow', password: 'pw' };
      const bus = amqpBus({ ...(await brokerOptions()), ...credentials, exchange: newExchange() });
      const error = await rejection(bus.open(new Heard().receiver));
      expect(error).to.include({ code: 'BUS_ACCESS_DENIED' });
      expect(error).to.have.property('message').that.contains('exchange');
    });

    it('when the exchange is of another type, and says what to do', async () => {
      const exchange = newExchange();
      await withChannel((channel) => channel.assertExchange(exchange, 'topic'));
      const bus = amqpBus({ ...(await brokerOptions()), exchange });
      const error = await rejection(bus.open(new Heard().receiver));
      expect(error).to.include({ code: 'BUS_MISCONFIGURED' });
      expect(error).to.have.property('message').that.contains('delete it');
    });
  });

  it('lets a user in that has no more rights than the documentation names', async () => {
    const broker = await rabbitmq();
    const exchange = newExchange();
    const right = `^(${exchange}|amq\\.gen.*)$`;
    await broker.addUser('modest', 'pw');
    await broker.setPermissions('modest', { configure: right, write: right, read: right });
    const a = await member({ exchange, username: 'modest', password: 'pw' });
    await a.bus.publish('x');
    await a.heard.until('x');
  });

  it('fails for good when the password was changed while it was away', async () => {
    const broker = await rabbitmq();
    await broker.addUser('changing', 'before');
    const credentials = { username: 'changing', password: 'before' };
    const a = await member({ exchange: newExchange(), ...credentials });
    await broker.setPassword('changing', 'after');
    await a.bus.publish('still in');
    await broker.closeAllConnections();
    await a.heard.until('failed BUS_ACCESS_DENIED');
    expect(a.bus.state).to.equal('closed');
  });

  it('tries its addresses in turn, whichever it begins with', async () => {
    const broker = await rabbitmq();
    const nobody = createServer();
    const port = await listen(nobody);
    nobody.close();
    for (const drawn of [0, 0.4, 0.9]) {
      const hosts = [`127.0.0.1:${port}`, `127.0.0.1:${broker.port}`, 'no-such-host.invalid'];
      const a = await member({ exchange: newExchange(), hosts, tuning: { random: () => drawn } });
      await a.bus.publish('x');
    }
  });
});
