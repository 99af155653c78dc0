import { getEventListeners } from 'node:events';

import { expect } from 'chai';

import { BusError } from '../../../src/index.ts';
import { benchBus, rejection } from './bench-bus.ts';
import { settled } from './fake-timers.ts';

describe('publish', () => {
  it('hands the frame and its summary to the link', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const publishing = bus.publish('{"a":1}', { summary: 'article:1' });
    expect(link.sent[0]).to.deep.include({ frame: '{"a":1}', options: { summary: 'article:1' } });
    link.sent[0]?.confirm();
    await publishing;
  });

  it('resolves when the broker has accepted the frame, and not before', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    let accepted = false;
    const publishing = bus.publish('x').then(() => {
      accepted = true;
    });
    await settled();
    expect(accepted).to.equal(false);
    link.sent[0]?.confirm();
    await publishing;
    expect(accepted).to.equal(true);
  });

  it('is refused before open and after close, not sent', async () => {
    const { bus, opened } = benchBus();
    const notOpen = { code: 'BUS_NOT_OPEN', outcome: 'not-sent' };
    expect(await rejection(bus.publish('x'))).to.include(notOpen);
    await opened();
    await bus.close();
    expect(await rejection(bus.publish('x'))).to.include(notOpen);
  });

  it('is refused while the bus opens', async () => {
    const { bus, receiver, driver } = benchBus();
    const opening = bus.open(receiver);
    expect(await rejection(bus.publish('x'))).to.include({ code: 'BUS_NOT_OPEN' });
    driver.lastAttempt.succeed();
    await opening;
  });

  it('is refused at once while interrupted, not sent', async () => {
    const { bus, driver, opened } = benchBus();
    const link = await opened();
    driver.lastAttempt.down();
    expect(await rejection(bus.publish('x'))).to.include({
      code: 'BUS_INTERRUPTED',
      outcome: 'not-sent',
    });
    expect(link.sent).to.have.length(0);
  });

  it('takes maxFrameBytes and refuses one byte more', async () => {
    const { bus, opened } = benchBus({ capabilities: { maxFrameBytes: 10 } });
    const link = await opened();
    const publishing = bus.publish('x'.repeat(10));
    link.sent[0]?.confirm();
    await publishing;
    expect(await rejection(bus.publish('x'.repeat(11)))).to.include({
      code: 'BUS_FRAME_TOO_LARGE',
      outcome: 'not-sent',
    });
    expect(link.sent).to.have.length(1);
  });

  it('refuses what is not printable ASCII with a TypeError', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const others = ['é', 'a\nb', '\u0000', '\u007f', '\ud800'];
    for (const other of [...others, JSON.parse('null'), JSON.parse('7')]) {
      expect(await rejection(bus.publish(other)), String(other)).to.be.instanceOf(TypeError);
    }
    expect(link.sent).to.have.length(0);
  });

  it('takes the empty frame', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const publishing = bus.publish('');
    link.sent[0]?.confirm();
    await publishing;
  });

  it('is unconfirmed when the broker takes longer than confirmTimeoutMs; a late confirmation is ignored', async () => {
    const { bus, opened, timers } = benchBus({ tuning: { confirmTimeoutMs: 200 } });
    const link = await opened();
    const publishing = rejection(bus.publish('x'));
    await timers.advance(200);
    expect(await publishing).to.include({ code: 'BUS_UNCONFIRMED', outcome: 'indeterminate' });
    link.sent[0]?.confirm();
    link.sent[0]?.refuse(new Error('late'));
    await settled();
    expect(bus.state).to.equal('open');
  });

  it('is unconfirmed when the link dies, with the cause of its death', async () => {
    const { bus, driver, opened } = benchBus();
    await opened();
    const all = ['a', 'b', 'c'].map((frame) => rejection(bus.publish(frame)));
    const cause = new BusError('BUS_EVICTED', 'kicked');
    driver.lastAttempt.down(cause);
    for (const error of await Promise.all(all)) {
      expect(error).to.include({ code: 'BUS_UNCONFIRMED', cause });
    }
  });

  it('is unconfirmed when the bus is closed', async () => {
    const { bus, opened } = benchBus();
    await opened();
    const publishing = rejection(bus.publish('x'));
    await bus.close();
    expect(await publishing).to.include({ code: 'BUS_UNCONFIRMED' });
  });

  it('passes on what the broker answered', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const publishing = rejection(bus.publish('x'));
    const refusal = new BusError('BUS_REJECTED', 'nack');
    link.sent[0]?.refuse(refusal);
    expect(await publishing).to.equal(refusal);
  });

  it('is unconfirmed when a driver fails in its own way, at once or later', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const cause = new Error('EPIPE');
    link.onSend = () => {
      throw cause;
    };
    expect(await rejection(bus.publish('x'))).to.include({ code: 'BUS_UNCONFIRMED', cause });
    link.onSend = () => Promise.reject(cause);
    expect(await rejection(bus.publish('x'))).to.include({ code: 'BUS_UNCONFIRMED', cause });
  });

  it('ends with the reason of its signal, before and after it was sent', async () => {
    const { bus, opened } = benchBus();
    const link = await opened();
    const reason = new Error('no longer wanted');
    const early = bus.publish('x', { signal: AbortSignal.abort(reason) });
    expect(await rejection(early)).to.equal(reason);
    expect(link.sent).to.have.length(0);
    const abort = new AbortController();
    const late = bus.publish('x', { signal: abort.signal });
    abort.abort(reason);
    expect(await rejection(late)).to.equal(reason);
    expect(link.sent).to.have.length(1);
  });

  it('refuses one frame more than maxUnconfirmedFrames until one of them is settled', async () => {
    const { bus, opened } = benchBus({ tuning: { maxUnconfirmedFrames: 2 } });
    const link = await opened();
    const all = [bus.publish('a'), bus.publish('b')];
    expect(await rejection(bus.publish('c'))).to.include({ code: 'BUS_REJECTED' });
    link.sent[0]?.confirm();
    await all[0];
    all.push(bus.publish('d'));
    for (const sent of link.sent) sent.confirm();
    await Promise.all(all);
    expect(link.sent.map(({ frame }) => frame)).to.deep.equal(['a', 'b', 'd']);
  });

  it('puts one listener on a signal that many frames share, and none once they are settled', async () => {
    const { bus, driver, opened, timers } = benchBus();
    const link = await opened();
    const abort = new AbortController();
    const { signal } = abort;
    const pending = timers.pending;
    const all = Array.from({ length: 100 }, (_, index) => bus.publish(`${index}`, { signal }));
    expect(getEventListeners(signal, 'abort')).to.have.length(1);
    for (const sent of link.sent) sent.confirm();
    driver.lastAttempt.events.frame('0');
    await Promise.all(all);
    expect(timers.pending).to.equal(pending);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    const again = ['a', 'b'].map((frame) => rejection(bus.publish(frame, { signal })));
    abort.abort('enough');
    expect(await Promise.all(again)).to.deep.equal(['enough', 'enough']);
    driver.lastAttempt.events.frame('a');
    expect(timers.pending).to.equal(pending);
  });
});
