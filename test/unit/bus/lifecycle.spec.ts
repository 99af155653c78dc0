import { expect } from 'chai';

import { BusError } from '../../../src/index.ts';
import { benchBus, rejection } from './bench-bus.ts';
import { settled } from './fake-timers.ts';
import { deferred } from './scripted-driver.ts';

describe('the lifetime of a bus', () => {
  it('does nothing before it is opened', () => {
    const { bus, driver, timers } = benchBus();
    expect(bus.state).to.equal('idle');
    expect(driver.attempts).to.have.length(0);
    expect(timers.pending).to.equal(0);
  });

  it('goes from idle over opening to open, and over closing to closed', async () => {
    const { bus, driver, receiver } = benchBus();
    const opening = bus.open(receiver);
    expect(bus.state).to.equal('opening');
    const link = driver.lastAttempt.succeed();
    await opening;
    expect(bus.state).to.equal('open');
    const { promise, resolve } = deferred<void>();
    link.detaching = promise;
    const closing = bus.close();
    expect(bus.state).to.equal('closing');
    resolve();
    await closing;
    expect(bus.state).to.equal('closed');
  });

  it('opens once, whatever came of the first time', async () => {
    const { bus, driver, receiver } = benchBus();
    const first = bus.open(receiver);
    expect(await rejection(bus.open(receiver))).to.include({ code: 'BUS_ALREADY_OPENED' });
    driver.lastAttempt.fail();
    await rejection(first);
    expect(await rejection(bus.open(receiver))).to.include({ code: 'BUS_ALREADY_OPENED' });
    expect(driver.attempts).to.have.length(1);
  });

  it('cannot be opened after it was closed', async () => {
    const { bus, driver, receiver } = benchBus();
    await bus.close();
    expect(await rejection(bus.open(receiver))).to.include({ code: 'BUS_ALREADY_OPENED' });
    expect(driver.attempts).to.have.length(0);
  });

  it('refuses a receiver that lacks a method, and can still be opened', async () => {
    const { bus, opened } = benchBus();
    // A caller in plain JavaScript may pass anything.
    const halfReceiver = JSON.parse('{}');
    expect(await rejection(bus.open(halfReceiver))).to.be.instanceOf(TypeError);
    await opened();
    expect(bus.state).to.equal('open');
  });

  it('is closed by a failed open, which says why', async () => {
    const { bus, driver, receiver } = benchBus();
    const opening = bus.open(receiver);
    const error = new BusError('BUS_ACCESS_DENIED', 'wrong password');
    driver.lastAttempt.fail(error);
    expect(await rejection(opening)).to.equal(error);
    expect(bus.state).to.equal('closed');
  });

  it('turns what a driver throws into a BusError that keeps it as its cause', async () => {
    const { bus, driver, receiver } = benchBus();
    const opening = bus.open(receiver);
    const cause = new Error('ECONNREFUSED');
    driver.lastAttempt.fail(cause);
    expect(await rejection(opening)).to.include({ code: 'BUS_UNREACHABLE', cause });
  });

  it('gives up an attempt that takes longer than attachTimeoutMs', async () => {
    const { bus, driver, receiver, timers } = benchBus({ tuning: { attachTimeoutMs: 300 } });
    const opening = rejection(bus.open(receiver));
    await timers.advance(299);
    expect(bus.state).to.equal('opening');
    await timers.advance(1);
    expect(await opening).to.include({ code: 'BUS_UNREACHABLE' });
    expect(driver.lastAttempt.signal.aborted).to.equal(true);
    expect(bus.state).to.equal('closed');
  });

  it('rejects an aborted open with the reason of the signal, and is closed', async () => {
    const { bus, driver, receiver } = benchBus();
    const abort = new AbortController();
    const opening = bus.open(receiver, { signal: abort.signal });
    const reason = new Error('changed my mind');
    abort.abort(reason);
    expect(await rejection(opening)).to.equal(reason);
    expect(driver.lastAttempt.signal.aborted).to.equal(true);
    expect(bus.state).to.equal('closed');
  });

  it('does not even try when the signal is aborted beforehand', async () => {
    const { bus, driver, receiver } = benchBus();
    const reason = new Error('too late');
    const opening = bus.open(receiver, { signal: AbortSignal.abort(reason) });
    expect(await rejection(opening)).to.equal(reason);
    expect(driver.attempts).to.have.length(0);
  });

  it('ignores an abort of the signal once it is open', async () => {
    const { bus, driver, receiver } = benchBus();
    const abort = new AbortController();
    const opening = bus.open(receiver, { signal: abort.signal });
    const link = driver.lastAttempt.succeed();
    await opening;
    abort.abort();
    await settled();
    expect(bus.state).to.equal('open');
    expect(link.detachCount).to.equal(0);
  });

  it('releases a link that comes after the attempt was given up', async () => {
    const { bus, driver, receiver } = benchBus();
    const abort = new AbortController();
    const opening = rejection(bus.open(receiver, { signal: abort.signal }));
    abort.abort();
    await opening;
    const link = driver.lastAttempt.succeed();
    await settled();
    expect(link.detachCount).to.equal(1);
    expect(bus.state).to.equal('closed');
  });

  it('fails the attempt when the link is down before it stands', async () => {
    const { bus, driver, receiver, heard } = benchBus();
    const opening = bus.open(receiver);
    const cause = new BusError('BUS_EVICTED', 'kicked while joining');
    driver.lastAttempt.down(cause);
    expect(await rejection(opening)).to.equal(cause);
    const link = driver.lastAttempt.succeed();
    await settled();
    expect(link.detachCount).to.equal(1);
    expect(heard).to.deep.equal([]);
  });

  it('detaches a link exactly once, however closely its end follows its beginning', async () => {
    for (let turns = 0; turns < 8; turns += 1) {
      const { bus, driver, receiver } = benchBus();
      const opening = bus.open(receiver).catch(() => undefined);
      const attempt = driver.lastAttempt;
      const link = attempt.succeed();
      // One more turn of the microtask queue each time: the end falls between any two steps of attaching.
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      attempt.down();
      await opening;
      await settled();
      expect(link.detachCount, `after ${turns} turns`).to.equal(1);
      await bus.close();
      expect(link.detachCount, `after ${turns} turns, closed`).to.equal(1);
    }
  });

  it('detaches a link exactly once, however closely a close follows its beginning', async () => {
    for (let turns = 0; turns < 8; turns += 1) {
      const { bus, driver, receiver } = benchBus();
      const opening = bus.open(receiver).catch(() => undefined);
      const link = driver.lastAttempt.succeed();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await bus.close();
      await opening;
      expect(link.detachCount, `after ${turns} turns`).to.equal(1);
      expect(bus.state).to.equal('closed');
    }
  });

  describe('close', () => {
    it('is idempotent: every call ends when the first one does', async () => {
      const { bus, opened } = benchBus();
      const link = await opened();
      await Promise.all([bus.close(), bus.close(), bus[Symbol.asyncDispose]()]);
      await bus.close();
      expect(link.detachCount).to.equal(1);
    });

    it('closes a bus that was never opened', async () => {
      const { bus } = benchBus();
      await bus.close();
      expect(bus.state).to.equal('closed');
    });

    it('ends an open that is under way with BUS_NOT_OPEN, and waits for what it had opened', async () => {
      const { bus, driver, receiver } = benchBus();
      const opening = rejection(bus.open(receiver));
      const closing = bus.close();
      expect(await opening).to.include({ code: 'BUS_NOT_OPEN' });
      let closed = false;
      const closedLater = closing.then(() => {
        closed = true;
      });
      await settled();
      expect(closed, 'closed before the driver had given up').to.equal(false);
      const link = driver.lastAttempt.succeed();
      await closedLater;
      expect(link.detachCount).to.equal(1);
      expect(bus.state).to.equal('closed');
    });

    it('does not wait for a driver that never gives up', async () => {
      const { bus, receiver, timers } = benchBus({ tuning: { detachTimeoutMs: 50 } });
      const opening = rejection(bus.open(receiver));
      const closing = bus.close();
      await opening;
      await timers.advance(50);
      await closing;
      expect(timers.pending).to.equal(0);
    });

    it('does not wait for a link that never lets go', async () => {
      const { bus, opened, timers } = benchBus({ tuning: { detachTimeoutMs: 50 } });
      const link = await opened();
      link.detaching = deferred<void>().promise;
      const closing = bus.close();
      await timers.advance(50);
      await closing;
      expect(bus.state).to.equal('closed');
    });

    it('survives a link that cannot let go', async () => {
      const { bus, opened } = benchBus();
      const link = await opened();
      link.detaching = Promise.reject(new Error('already gone'));
      await bus.close();
      expect(bus.state).to.equal('closed');
    });

    it('ends the wait before the next attempt', async () => {
      const { bus, driver, opened, timers } = benchBus();
      await opened();
      driver.lastAttempt.down();
      await settled();
      expect(bus.state).to.equal('interrupted');
      await bus.close();
      await timers.advance(60_000);
      expect(driver.attempts).to.have.length(1);
      expect(timers.pending).to.equal(0);
    });

    it('ends an attempt to attach again', async () => {
      const { bus, driver, opened, nextAttempt, heard } = benchBus();
      await opened();
      driver.lastAttempt.down();
      await nextAttempt();
      const closing = bus.close();
      expect(driver.lastAttempt.signal.aborted).to.equal(true);
      const link = driver.lastAttempt.succeed();
      await closing;
      expect(link.detachCount).to.equal(1);
      expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE']);
    });

    it('silences the receiver from the moment of the call', async () => {
      const { bus, driver, opened, heard } = benchBus();
      await opened();
      const { events } = driver.lastAttempt;
      const closing = bus.close();
      events.frame('late');
      events.foreign({ text: 'late', id: '1' });
      events.gap(new BusError('BUS_OVERFLOW', 'late'));
      events.down(new BusError('BUS_EVICTED', 'late'));
      await closing;
      events.frame('later');
      expect(heard).to.deep.equal([]);
    });

    it('can be called by the receiver in the middle of anything', async () => {
      for (const line of ['frame x', 'gap BUS_OVERFLOW', 'interrupted BUS_UNREACHABLE']) {
        const { bus, driver, opened, heard, timers } = benchBus({
          onHeard: (said) => {
            if (said === line) void bus.close();
          },
        });
        const link = await opened();
        const { events } = driver.lastAttempt;
        events.frame('x');
        events.gap(new BusError('BUS_OVERFLOW', 'x'));
        driver.lastAttempt.down();
        await bus.close();
        await timers.advance(60_000);
        expect(heard.at(-1)).to.equal(line);
        expect(link.detachCount).to.equal(1);
        expect(driver.attempts).to.have.length(1);
      }
    });
  });
});
