import { expect } from 'chai';
import { destinationFor } from '../../../adapters/stomp/destination.ts';
import { stompBus, type StompBusOptions } from '../../../adapters/stomp/index.ts';
import type { RabbitMqBroker } from '../../../brokers/index.ts';
import { TcpProxy } from '../../../conformance-tests/tcp-proxy.ts';
import { brokerToBreak, rabbitMqStompServer } from '../../support/servers.ts';
import { Listener, refusalOf } from './listener.ts';
import { Producer } from './producer.ts';

describe("the STOMP bus on RabbitMQ's plugin", function () {
  this.timeout(120_000);
  let broker: RabbitMqBroker;
  before(async function start() {
    broker = brokerToBreak(this, await rabbitMqStompServer());
  });

  const bus = (topic: string, options: Partial<StompBusOptions> = {}) => {
    const { host, stompPort, username, password } = broker;
    return stompBus({ topic, host, port: stompPort, username, password, ...options });
  };

  it('has one queue for each bus, exclusive, and leaves none behind', async () => {
    const before = await broker.listQueues();
    const listener = await Listener.on(bus('queues'));
    const added = (await broker.listQueues()).filter((name) => !before.includes(name));
    expect(added).to.have.lengthOf(1);
    const attributes = await broker.evaluate(
      `[{amqqueue:get_exclusive_owner(Q) =/= none, amqqueue:is_durable(Q), amqqueue:get_arguments(Q)} || Q <- rabbit_amqqueue:list(),
        element(4, amqqueue:get_name(Q)) =:= <<"${added[0] ?? ''}">>].`,
    );
    expect(attributes.replaceAll(/\s/g, '')).to.equal(
      '[{true,false,[{<<"x-max-length">>,long,10000}]}]',
    );
    await listener.bus.close();
    expect(await broker.listQueues()).to.deep.equal(before);
  });

  it('attaches anew when its queue is deleted', async () => {
    const before = await broker.listQueues();
    const listener = await Listener.on(bus('deleted'));
    const queue = (await broker.listQueues()).find((name) => !before.includes(name)) ?? '';
    await broker.deleteQueue(queue);
    expect((await listener.hears('interrupted')).cause.code).to.equal('BUS_EVICTED');
    await listener.hears('resumed');
    await listener.bus.publish('on again');
    await listener.hearsFrame('on again');
    await listener.bus.close();
  });

  it('attaches anew when the broker closes all connections', async () => {
    const listener = await Listener.on(bus('closed'));
    await broker.closeAllConnections();
    await listener.hears('interrupted');
    await listener.hears('resumed');
    await listener.bus.publish('on again');
    await listener.hearsFrame('on again');
    await listener.bus.close();
  });

  it('owns up to a gap when its queue was full', async () => {
    const proxy = await TcpProxy.to({ host: broker.host, port: broker.stompPort });
    const options = { port: proxy.port, prefetch: 10, heartbeatMs: 60_000 };
    const slow = await Listener.on(bus('full', options));
    const publisher = await Listener.on(bus('full'));
    proxy.swallow('toBus');
    for (let sent = 0; sent < 11; sent += 1) {
      await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => publisher.bus.publish(`${sent} ${index}`)),
      );
    }
    proxy.heal();
    expect((await slow.hears('gap')).cause.code).to.equal('BUS_OVERFLOW');
    await publisher.bus.publish('the last');
    await slow.hearsFrame('the last');
    expect(slow.frames.length).to.be.lessThan(11_001);
    await Promise.all([slow.bus.close(), publisher.bus.close()]);
    await proxy.close();
  });

  it('gives a foreign message the same id for every bus', async () => {
    const listeners = [await Listener.on(bus('ids')), await Listener.on(bus('ids'))];
    const { host, stompPort: port, username, password } = broker;
    const destination = destinationFor('ids');
    const producer = await Producer.at({ host, port, username, password, destination });
    await producer.sendText('by hand');
    const [first, second] = await Promise.all(listeners.map((one) => one.hearsForeign()));
    expect(first).to.deep.equal(second);
    await producer.leave();
    await Promise.all(listeners.map((one) => one.bus.close()));
  });

  it('rejects `open` for a user who may not read, and for an unknown virtual host', async () => {
    await broker.addUser('nobody', 'nobody-secret');
    await broker.setPermissions('nobody', { configure: '', write: '', read: '' });
    const nobody = { username: 'nobody', password: 'nobody-secret' };
    for (const options of [nobody, { vhost: '/unknown' }]) {
      const error = await refusalOf(Listener.on(bus('rights', options)));
      expect(error).to.include({ code: 'BUS_ACCESS_DENIED' });
      expect(String(error)).not.to.contain('secret');
    }
  });

  it('needs no more rights than its page says', async () => {
    const subscription = '^stomp-subscription-';
    const rights = String.raw`^(stomp-subscription-|amq\.topic$)`;
    await broker.addUser('modest-stomp', 'modest-secret');
    await broker.setPermissions('modest-stomp', {
      configure: subscription,
      write: rights,
      read: rights,
    });
    const modest = { username: 'modest-stomp', password: 'modest-secret' };
    const listener = await Listener.on(bus('modest', modest));
    await listener.bus.publish('within its rights');
    await listener.hearsFrame('within its rights');
    await listener.bus.close();
  });

  it('gives up when a user publishes who may not', async () => {
    await broker.addUser('reader', 'reader-secret');
    await broker.setPermissions('reader', { configure: '.*', write: '^stomp-', read: '.*' });
    const reader = { username: 'reader', password: 'reader-secret' };
    const listener = await Listener.on(bus('rights', reader));
    const error = await refusalOf(listener.bus.publish('x'));
    expect(error).to.have.property('code', 'BUS_UNCONFIRMED');
    expect((await listener.hears('failed')).cause.code).to.equal('BUS_ACCESS_DENIED');
  });

  it('logs in with a password that has every sign of the protocol in it', async () => {
    for (const [index, password] of ['a:b', String.raw`a\nb`, String.raw`\c\\`, 'ü€💣'].entries()) {
      const username = `odd-${index}`;
      await broker.addUser(username, password);
      const listener = await Listener.on(bus('passwords', { username, password }));
      await listener.bus.close();
    }
  });
});
