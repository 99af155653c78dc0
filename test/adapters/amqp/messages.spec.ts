import { expect } from 'chai';

import { FRAME_CONTENT_TYPE } from '../../../adapters/amqp/delivery.ts';
import { TcpProxy } from '../../../conformance-tests/tcp-proxy.ts';
import type { InvalidationBus } from '../../../src/index.ts';
import { rabbitmq } from '../../support/brokers.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { memberPerTest, newExchange, send } from './rabbitmq-tools.ts';

describe('the messages of the amqp bus on RabbitMQ', function () {
  this.timeout(120_000);
  const member = memberPerTest();
  before('RabbitMQ runs', () => rabbitmq());

  it('refuses frames while the broker is short of memory, still hears, and goes on afterwards', async () => {
    const broker = await rabbitmq();
    const a = await member({ exchange: newExchange(), tuning: { confirmTimeoutMs: 1_000 } });
    await broker.setMemoryAlarm(true);
    try {
      // The broker tells a connection that it is blocked when that connection publishes.
      const inLimbo = await rejection(publishUntilRejected(a.bus));
      expect(inLimbo).to.include({ code: 'BUS_UNCONFIRMED' });
      const refused = await rejection(a.bus.publish('refused'));
      expect(refused).to.include({ code: 'BUS_REJECTED', outcome: 'not-sent' });
      expect(refused).to.have.property('message').that.contains('memory');
      expect(a.bus.state).to.equal('open');
    } finally {
      await broker.setMemoryAlarm(false);
    }
    await a.heard.until('in limbo');
    await untilAccepted(a.bus, 'afterwards');
    await a.heard.until('afterwards');
    expect(a.heard.lines).to.not.include('refused');
  });

  it('owns up to what the broker drops from its full queue, and hears the newest', async () => {
    const broker = await rabbitmq();
    const proxy = await TcpProxy.to(broker);
    const exchange = newExchange();
    const limits = { prefetch: 10, maxQueueLength: 20 };
    const slow = await member({ exchange, host: proxy.host, port: proxy.port, ...limits });
    const publisher = await member({ exchange });
    await publisher.bus.publish('first');
    await slow.heard.until('first');
    proxy.swallow('toBus');
    const frames = Array.from({ length: 200 }, (_, index) => `${index}`);
    await Promise.all(frames.map((frame) => publisher.bus.publish(frame)));
    proxy.heal();
    await slow.heard.until('199');
    const gap = slow.heard.lines.indexOf('gap BUS_OVERFLOW');
    expect(slow.heard.lines.slice(gap + 1)).to.deep.equal(frames.slice(180));
    const before = slow.heard.lines.slice(0, gap);
    expect(before).to.deep.equal(['first', ...frames.slice(0, before.length - 1)]);
    await slow.bus.close();
    await proxy[Symbol.asyncDispose]();
  });

  it('acknowledges what it hears, also the last one of a burst', async () => {
    const broker = await rabbitmq();
    const a = await member({ exchange: newExchange() });
    await Promise.all(Array.from({ length: 250 }, (_, index) => a.bus.publish(`${index}`)));
    await a.heard.until('249');
    const unacknowledged =
      'lists:sum([proplists:get_value(messages, rabbit_amqqueue:info(Q, [messages])) || Q <- rabbit_amqqueue:list()]).';
    const deadline = performance.now() + 10_000;
    let left = '';
    while (left !== '0' && performance.now() < deadline) {
      left = (await broker.evaluate(unacknowledged)).trim();
    }
    expect(left).to.equal('0');
  });

  describe('takes as foreign', () => {
    it('what any program publishes, with its name and its sender', async () => {
      const exchange = newExchange();
      const a = await member({ exchange });
      await send(exchange, 'article:42 é🙂\n', { messageId: 'm1', appId: 'shop' });
      await a.heard.until('foreign m1 article:42 é🙂\n');
    });

    it('what has no name, under one that all buses derive alike', async () => {
      const exchange = newExchange();
      const [a, b] = [await member({ exchange }), await member({ exchange })];
      await send(exchange, 'article:42', {});
      await send(exchange, 'article:43', {});
      await Promise.all([a, b].map(({ heard }) => heard.until((lines) => lines.length === 2)));
      expect(a.heard.lines).to.deep.equal(b.heard.lines);
      expect(new Set(a.heard.lines.map((line) => line.split(' ')[1])).size).to.equal(2);
    });

    it('what is marked as a frame and is none', async () => {
      const exchange = newExchange();
      const a = await member({ exchange });
      await send(exchange, 'é', { contentType: FRAME_CONTENT_TYPE });
      await send(exchange, 'line\n', { contentType: FRAME_CONTENT_TYPE });
      await a.heard.until((lines) => lines.length === 2);
      expect(a.heard.lines.every((line) => line.startsWith('foreign '))).to.equal(true);
    });

    it('a message of 20 MB, without an interruption', async () => {
      const exchange = newExchange();
      const a = await member({ exchange });
      await send(exchange, 'x'.repeat(20_000_000), { messageId: 'big' });
      await a.heard.until((lines) => lines.length === 1);
      expect(a.heard.lines[0]).to.have.length('foreign big '.length + 20_000_000);
      await a.bus.publish('x');
      expect(a.bus.state).to.equal('open');
    });
  });
});

/** The alarm takes a moment to reach the connection. */
async function publishUntilRejected(bus: InvalidationBus): Promise<never> {
  for (;;) await bus.publish('in limbo');
}

async function untilAccepted(bus: InvalidationBus, frame: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const accepted = await bus.publish(frame).then(
      () => true,
      () => false,
    );
    if (accepted) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
