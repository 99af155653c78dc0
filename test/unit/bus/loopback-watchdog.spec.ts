import { expect } from 'chai';
import { BusError } from '../../../src/index.ts';
import { memoryBus, memoryNetwork } from '../../../adapters/memory/index.ts';
import { benchBus, rejection } from './bench-bus.ts';
import { FakeTimers, settled } from './fake-timers.ts';

describe('the loopback watch', () => {
  it('gives a link up that does not hear a frame of its own in time, and attaches again', async () => {
    const { bus, driver, heard, opened, timers } = benchBus();
    const link = await opened();
    const publishing = bus.publish('x');
    link.sent[0]?.confirm();
    await publishing;
    await timers.advance(9_999);
    expect(heard).to.deep.equal([]);
    await timers.advance(1);
    expect(heard).to.deep.equal(['interrupted BUS_EVICTED']);
    expect(link.detachCount).to.equal(1);
    await timers.advance(1_000);
    driver.lastAttempt.succeed();
    await settled();
    expect(heard).to.deep.equal(['interrupted BUS_EVICTED', 'resumed possible']);
    expect(bus.state).to.equal('open');
  });

  it('is content with a frame that comes back, also before it is confirmed, and holds no timer then', async () => {
    const { bus, driver, heard, opened, timers } = benchBus();
    const link = await opened();
    const idle = timers.pending;
    const publishing = bus.publish('x');
    driver.lastAttempt.events.frame('x');
    link.sent[0]?.confirm();
    await publishing;
    expect(timers.pending).to.equal(idle);
    await timers.advance(60_000);
    expect(heard).to.deep.equal(['frame x']);
  });

  it('watches one frame at a time, and the next that is sent after it', async () => {
    const { bus, driver, heard, opened, timers } = benchBus();
    const link = await opened();
    const all = ['a', 'b'].map((frame) => bus.publish(frame));
    for (const sent of link.sent) sent.confirm();
    await Promise.all(all);
    await timers.advance(8_000);
    driver.lastAttempt.events.frame('a');
    await timers.advance(8_000);
    expect(heard, 'b is not watched').to.deep.equal(['frame a']);
    const third = bus.publish('c');
    link.sent[2]?.confirm();
    await third;
    await timers.advance(10_000);
    expect(heard).to.deep.equal(['frame a', 'interrupted BUS_EVICTED']);
  });

  it('does not take the frames of others for its own', async () => {
    const { bus, driver, heard, opened, timers } = benchBus();
    const link = await opened();
    const publishing = bus.publish('mine');
    link.sent[0]?.confirm();
    await publishing;
    for (let second = 0; second < 10; second += 1) {
      driver.lastAttempt.events.frame('theirs');
      await timers.advance(1_000);
    }
    expect(heard.at(-1)).to.equal('interrupted BUS_EVICTED');
  });

  it('does not wait for a frame that was certainly not sent', async () => {
    const { bus, heard, opened, timers } = benchBus();
    const link = await opened();
    const publishing = rejection(bus.publish('x'));
    link.sent[0]?.refuse(new BusError('BUS_REJECTED', 'too fast'));
    await publishing;
    await timers.advance(60_000);
    expect(heard).to.deep.equal([]);
  });

  it('gives a link up on which a frame was neither confirmed nor heard', async () => {
    const { bus, heard, opened, timers } = benchBus();
    await opened();
    const publishing = rejection(bus.publish('x'));
    await timers.advance(10_000);
    expect(await publishing).to.include({ code: 'BUS_UNCONFIRMED' });
    expect(heard).to.deep.equal(['interrupted BUS_EVICTED']);
  });

  it('excuses a process that was paused: what waits in the socket is read before the link is judged', async () => {
    const { bus, driver, heard, opened, timers } = benchBus();
    const link = await opened();
    const publishing = bus.publish('x');
    link.sent[0]?.confirm();
    await publishing;
    // After a pause of a minute the first half is over at once; then the socket is read.
    await timers.advance(5_000);
    driver.lastAttempt.events.frame('x');
    await timers.advance(60_000);
    expect(heard).to.deep.equal(['frame x']);
  });

  it('is reset by every interruption, and ends with the bus', async () => {
    const { bus, driver, heard, opened, timers, nextAttempt } = benchBus();
    const link = await opened();
    const publishing = bus.publish('x');
    link.sent[0]?.confirm();
    await publishing;
    await timers.advance(9_000);
    driver.lastAttempt.down();
    await nextAttempt();
    const second = driver.lastAttempt.succeed();
    await settled();
    await timers.advance(30_000);
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
    const again = bus.publish('y');
    second.sent[0]?.confirm();
    await again;
    await bus.close();
    expect(timers.pending).to.equal(0);
  });

  it('takes its time from the tuning', async () => {
    const { bus, heard, opened, timers } = benchBus({ tuning: { loopbackTimeoutMs: 200 } });
    const link = await opened();
    const publishing = bus.publish('x');
    link.sent[0]?.confirm();
    await publishing;
    await timers.advance(200);
    expect(heard).to.deep.equal(['interrupted BUS_EVICTED']);
    expect(() => benchBus({ tuning: { loopbackTimeoutMs: 0 } })).to.throw(
      TypeError,
      'loopbackTimeoutMs',
    );
  });

  it('notices on any bus that one can still speak but not hear', async () => {
    const timers = new FakeTimers();
    const network = memoryNetwork({ timers });
    const bus = memoryBus({ channel: 'deaf', network, name: 'me', silenceTimeoutMs: 3_600_000 });
    const events: string[] = [];
    await bus.open({
      onFrame: (frame) => {
        events.push(frame);
      },
      onForeign: () => undefined,
      onContinuity: (event) => {
        events.push(event.type === 'resumed' ? 'resumed' : event.cause.code);
      },
    });
    network.swallow('me', 'in');
    const publishing = bus.publish('x').catch(() => undefined);
    await timers.advance(10_000);
    await publishing;
    expect(events).to.deep.equal(['BUS_EVICTED']);
    network.heal();
    await timers.advance(5_000);
    expect(events).to.deep.equal(['BUS_EVICTED', 'resumed']);
    await bus.close();
  });
});
