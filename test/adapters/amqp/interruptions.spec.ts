import { expect } from 'chai';

import { rabbitmq } from '../../support/brokers.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { memberPerTest, newExchange, withChannel } from './rabbitmq-tools.ts';

const EVICTED = 'interrupted BUS_EVICTED';
const RESUMED = 'resumed possible';

describe('the amqp bus, attached to RabbitMQ,', function () {
  this.timeout(120_000);
  const member = memberPerTest();
  before('RabbitMQ runs', () => rabbitmq());

  describe('is interrupted and attached again', () => {
    it('when its queue is deleted', async () => {
      const broker = await rabbitmq();
      const [a, b] = [
        await member({ exchange: newExchange() }),
        await member({ exchange: newExchange() }),
      ];
      await broker.deleteAllQueues();
      await Promise.all([a, b].map(({ heard }) => heard.until(RESUMED)));
      await a.bus.publish('x');
      await a.heard.until('x');
      expect(a.heard.lines).to.deep.equal([EVICTED, RESUMED, 'x']);
    });

    it('when the exchange is deleted: the publisher at once, the others when they find that they are deaf', async () => {
      const broker = await rabbitmq();
      const exchange = newExchange();
      const options = { exchange, echoTimeoutMs: 400 };
      const [a, b] = [await member(options), await member(options)];
      await broker.deleteExchange(exchange);
      expect(await rejection(a.bus.publish('nobody hears it'))).to.include({
        code: 'BUS_UNCONFIRMED',
      });
      await a.heard.until(RESUMED);
      expect(b.heard.lines).to.deep.equal([]);
      await b.bus.publish('only a hears it');
      await a.heard.until('only a hears it');
      await b.heard.until(RESUMED);
      await b.bus.publish('x');
      await Promise.all([a, b].map(({ heard }) => heard.until('x')));
      expect(a.heard.lines).to.deep.equal([EVICTED, RESUMED, 'only a hears it', 'x']);
      expect(b.heard.lines).to.deep.equal([EVICTED, RESUMED, 'x']);
    });

    it('when its binding is gone: the broker returns the frame, which is not confirmed', async () => {
      const broker = await rabbitmq();
      const exchange = newExchange();
      const a = await member({ exchange });
      await broker.deleteExchange(exchange);
      await withChannel((channel) => channel.assertExchange(exchange, 'fanout'));
      expect(await rejection(a.bus.publish('x'))).to.include({ code: 'BUS_UNCONFIRMED' });
      await a.heard.until(RESUMED);
      expect(a.heard.lines).to.deep.equal([EVICTED, RESUMED]);
    });

    it('when the broker closes its connections', async () => {
      const broker = await rabbitmq();
      const a = await member({ exchange: newExchange() });
      await broker.closeAllConnections();
      await a.heard.until(RESUMED);
      expect(a.heard.lines).to.deep.equal(['interrupted BUS_UNREACHABLE', RESUMED]);
    });

    it('when the broker is killed and started again', async () => {
      const broker = await rabbitmq();
      const a = await member({ exchange: newExchange() });
      await broker.kill();
      await a.heard.until('interrupted BUS_UNREACHABLE');
      expect(await rejection(a.bus.publish('x'))).to.include({ code: 'BUS_INTERRUPTED' });
      await broker.start();
      await a.heard.until(RESUMED);
      await a.bus.publish('x');
      await a.heard.until('x');
      expect(a.heard.lines).to.deep.equal(['interrupted BUS_UNREACHABLE', RESUMED, 'x']);
    });
  });
});
