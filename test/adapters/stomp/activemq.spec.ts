import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { destinationFor } from '../../../adapters/stomp/destination.ts';
import { stompBus, type StompBusOptions } from '../../../adapters/stomp/index.ts';
import { startActiveMq, type ActiveMqBroker } from '../../../brokers/index.ts';
import { TcpProxy } from '../../../conformance-tests/tcp-proxy.ts';
import { JavaProgram } from './java-program.ts';
import { Listener, refusalOf } from './listener.ts';
import { Producer } from './producer.ts';

describe('the STOMP bus on ActiveMQ', function () {
  this.timeout(60_000);
  let broker: ActiveMqBroker;
  before(async () => {
    broker = await startActiveMq({ pendingMessageLimit: 20 });
  });
  after(() => broker.stop());

  const bus = (topic: string, options: Partial<StompBusOptions> = {}) => {
    const { host, port, username, password } = broker;
    return stompBus({ topic, host, port, username, password, ...options });
  };

  it('hears what a Java program says, whatever its characters, and who said it', async () => {
    const listener = await Listener.on(bus('java-says'));
    const java = new JavaProgram(broker, 'java-says');
    await java.says('article:42 é 💣 ]]>');
    const message = await listener.hearsForeign();
    expect(message).to.include({ text: 'article:42 é 💣 ]]>', sender: 'unstale' });
    expect(message.id).to.match(/^ID:/);
    expect(listener.frames).to.deep.equal([]);
    await listener.bus.close();
  });

  it('is read by a Java program as text', async () => {
    const listener = await Listener.on(bus('java-reads'));
    const java = new JavaProgram(broker, 'java-reads');
    expect(await java.reads(() => listener.bus.publish('{"v":1}'))).to.contain('{"v":1}');
    await listener.bus.close();
  });

  it('gives a foreign message the same id for every bus', async () => {
    const listeners = [await Listener.on(bus('ids')), await Listener.on(bus('ids'))];
    const producer = await Producer.at({ ...broker, destination: destinationFor('ids') });
    await producer.sendBytes(Buffer.from('by hand'));
    const [first, second] = await Promise.all(listeners.map((one) => one.hearsForeign()));
    expect(first).to.deep.equal(second);
    await producer.leave();
    await Promise.all(listeners.map((one) => one.bus.close()));
  });

  it('owns up to a gap when the broker discards messages because it does not keep up', async () => {
    const proxy = await TcpProxy.to(broker);
    const slow = await Listener.on(bus('slow', { port: proxy.port, prefetch: 10 }));
    const publisher = await Listener.on(bus('slow'));
    proxy.swallow('toBus');
    const filler = 'x'.repeat(60_000);
    for (let sent = 0; sent < 200; sent += 1) await publisher.bus.publish(`${sent} ${filler}`);
    proxy.heal();
    const { cause } = await slow.hears('gap');
    expect(cause.code).to.equal('BUS_OVERFLOW');
    await publisher.bus.publish('the last');
    await slow.hearsFrame('the last');
    expect(slow.frames.length).to.be.lessThan(201);
    await Promise.all([slow.bus.close(), publisher.bus.close()]);
    await proxy.close();
  });

  // Without XStream ActiveMQ cannot tell a STOMP client of it.
  const itTellsOfDiscards = existsSync('/usr/share/java/xstream.jar') ? it : it.skip;
  itTellsOfDiscards(
    'hears from the broker itself (XStream installed) that it discarded messages, whoever sent them',
    async () => {
      const proxy = await TcpProxy.to(broker);
      const slow = await Listener.on(bus('discards', { port: proxy.port, prefetch: 10 }));
      const producer = await Producer.at({ ...broker, destination: destinationFor('discards') });
      proxy.swallow('toBus');
      const filler = 'x'.repeat(60_000);
      for (let sent = 0; sent < 100; sent += 1) await producer.sendText(`${sent} ${filler}`);
      proxy.heal();
      const { cause } = await slow.hears('gap');
      expect(cause.message).to.contain('the broker discarded messages');
      await producer.leave();
      await slow.bus.close();
      await proxy.close();
    },
  );

  it('rejects `open` for a user who may not read the topic', async () => {
    const error = await refusalOf(Listener.on(bus('rights', broker.nobody)));
    expect(error).to.include({ code: 'BUS_ACCESS_DENIED' });
    expect(String(error)).to.contain('not authorized to read').and.not.contain('nobody-secret');
  });

  it('rejects the publish of a user who may not write to the topic, and gives up', async () => {
    const listener = await Listener.on(bus('rights', broker.reader));
    const error = await refusalOf(listener.bus.publish('x'));
    expect(error).to.include({ code: 'BUS_REJECTED', outcome: 'not-sent' });
    const { cause } = await listener.hears('failed');
    expect(cause.code).to.equal('BUS_ACCESS_DENIED');
    expect(listener.bus.state).to.equal('closed');
  });

  it('logs in with a password that has every sign of the protocol in it', async () => {
    for (const password of ['a:b', String.raw`a\nb`, String.raw`\c\\`, 'ü€💣']) {
      await broker.addUser('odd', password);
      const listener = await Listener.on(bus('passwords', { username: 'odd', password }));
      await listener.bus.close();
    }
  });

  it('finds the address that answers among several', async () => {
    const { host, port } = broker;
    const hosts = ['127.0.0.1:1', `${host}:${port}`, '127.0.0.1:2'];
    for (const random of [0, 0.4, 0.9]) {
      const tuning = { random: () => random };
      const listener = await Listener.on(bus('hosts', { hosts, tuning }));
      await listener.bus.close();
    }
  });

  it('gives up when it was let in before and is refused three times', async () => {
    await broker.addUser('changing', 'old');
    const proxy = await TcpProxy.to(broker);
    const tuning = { retryBaseMs: 10, retryCapMs: 20 };
    const options = { username: 'changing', password: 'old', port: proxy.port, tuning };
    const listener = await Listener.on(bus('changing', options));
    await broker.setPassword('changing', 'new');
    const { accepted } = proxy;
    proxy.cut();
    const { cause } = await listener.hears('failed');
    expect(cause.code).to.equal('BUS_ACCESS_DENIED');
    expect(proxy.accepted - accepted).to.equal(6);
    await proxy.close();
  });

  it('notices a frozen broker by its heart-beats, and is back when it goes on', async () => {
    const listener = await Listener.on(bus('frozen', { heartbeatMs: 500 }));
    broker.pause();
    try {
      const { cause } = await listener.hears('interrupted');
      expect(cause.code).to.equal('BUS_UNREACHABLE');
    } finally {
      broker.resume();
    }
    expect((await listener.hears('resumed')).loss).to.equal('possible');
    await listener.bus.publish('on again');
    await listener.hearsFrame('on again');
    await listener.bus.close();
  });

  it('is back after the broker was killed and started again', async () => {
    const listener = await Listener.on(bus('killed'));
    await broker.kill();
    await listener.hears('interrupted');
    await broker.start();
    expect((await listener.hears('resumed')).loss).to.equal('possible');
    await listener.bus.publish('on again');
    await listener.hearsFrame('on again');
    await listener.bus.close();
  });
});
