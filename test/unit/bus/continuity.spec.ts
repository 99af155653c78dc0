import { expect } from 'chai';

import { BusError } from '../../../src/index.ts';
import { benchBus } from './bench-bus.ts';
import { settled } from './fake-timers.ts';
import { deferred } from './scripted-driver.ts';

describe('continuity', () => {
  it('is told of a cut once, as interrupted', async () => {
    const { bus, driver, opened, heard } = benchBus();
    await opened();
    driver.lastAttempt.down();
    driver.lastAttempt.down();
    await settled();
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE']);
    expect(bus.state).to.equal('interrupted');
  });

  it('is resumed before any frame of the new attachment, however early that came', async () => {
    const { driver, opened, nextAttempt, heard } = benchBus();
    await opened();
    driver.lastAttempt.down();
    await nextAttempt();
    const { events } = driver.lastAttempt;
    events.frame('early');
    events.foreign({ text: 'early', id: '1' });
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE']);
    driver.lastAttempt.succeed();
    events.frame('just in time');
    await settled();
    events.frame('live');
    expect(heard.slice(1)).to.deep.equal([
      'resumed possible',
      'frame early',
      'foreign early',
      'frame just in time',
      'frame live',
    ]);
  });

  it('is without loss only if the link has resumed and the bus can', async () => {
    for (const [resumption, resumed, loss] of [
      [true, true, 'none'],
      [true, false, 'possible'],
      [false, true, 'possible'],
      [false, false, 'possible'],
    ] as const) {
      const { driver, opened, nextAttempt, heard } = benchBus({ capabilities: { resumption } });
      await opened();
      driver.lastAttempt.down();
      await nextAttempt();
      driver.lastAttempt.succeed({ resumed });
      await settled();
      expect(heard.at(-1), `${resumption} ${resumed}`).to.equal(`resumed ${loss}`);
    }
  });

  it('does not say resumed for the first attachment, and delivers what came while it opened', async () => {
    const { bus, driver, receiver, heard } = benchBus();
    const opening = bus.open(receiver);
    driver.lastAttempt.events.frame('early');
    driver.lastAttempt.succeed({ resumed: true });
    await opening;
    expect(heard).to.deep.equal(['frame early']);
  });

  it('forgets what a failed attempt has said', async () => {
    const { driver, opened, nextAttempt, heard } = benchBus();
    await opened();
    driver.lastAttempt.down();
    await nextAttempt();
    driver.lastAttempt.events.frame('from nowhere');
    driver.lastAttempt.fail();
    await nextAttempt();
    driver.lastAttempt.succeed();
    await settled();
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
  });

  it('does not hear a superseded link', async () => {
    const { driver, opened, nextAttempt, heard, bus } = benchBus();
    await opened();
    const old = driver.lastAttempt;
    old.down();
    old.events.frame('from the dead');
    await nextAttempt();
    driver.lastAttempt.succeed();
    await settled();
    old.events.frame('from the dead');
    old.events.gap(new BusError('BUS_OVERFLOW', 'from the dead'));
    old.down();
    await settled();
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
    expect(bus.state).to.equal('open');
  });

  it('passes on a gap', async () => {
    const { bus, driver, opened, heard } = benchBus();
    await opened();
    driver.lastAttempt.events.gap(new BusError('BUS_OVERFLOW', 'the broker dropped some'));
    expect(heard).to.deep.equal(['gap BUS_OVERFLOW']);
    expect(bus.state).to.equal('open');
  });

  it('attaches again only after the old link has let go', async () => {
    const { driver, opened, timers } = benchBus({ tuning: { detachTimeoutMs: 2_000 } });
    const link = await opened();
    const { promise, resolve } = deferred<void>();
    link.detaching = promise;
    driver.lastAttempt.down();
    await timers.advance(1_000);
    expect(driver.attempts).to.have.length(1);
    resolve();
    await timers.advance(100);
    expect(driver.attempts).to.have.length(2);
  });

  it('tries again for as long as it takes, also after attempts that take too long', async () => {
    const { driver, opened, nextAttempt, timers, bus, heard } = benchBus();
    await opened();
    driver.lastAttempt.down();
    for (let failure = 0; failure < 50; failure += 1) {
      await nextAttempt();
      if (failure % 5 === 0) {
        await timers.advance(10_000);
        driver.lastAttempt.fail();
      } else driver.lastAttempt.fail();
    }
    await nextAttempt();
    driver.lastAttempt.succeed();
    await settled();
    expect(bus.state).to.equal('open');
    expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible']);
  });

  for (const code of ['BUS_ACCESS_DENIED', 'BUS_MISCONFIGURED'] as const) {
    const cause = new BusError(code, 'for good');

    it(`fails for good when the link ends with ${code}`, async () => {
      const { bus, driver, opened, heard, timers } = benchBus();
      const link = await opened();
      driver.lastAttempt.down(cause);
      expect(heard).to.deep.equal([`failed ${code}`]);
      expect(bus.state).to.equal('closed');
      await timers.advance(60_000);
      expect(driver.attempts).to.have.length(1);
      expect(link.detachCount).to.equal(1);
    });

    it(`fails for good when an attempt to attach again ends with ${code}`, async () => {
      const { bus, driver, opened, nextAttempt, heard, timers } = benchBus();
      await opened();
      driver.lastAttempt.down();
      await nextAttempt();
      driver.lastAttempt.fail(cause);
      await timers.advance(60_000);
      expect(heard).to.deep.equal(['interrupted BUS_UNREACHABLE', `failed ${code}`]);
      expect(bus.state).to.equal('closed');
      expect(driver.attempts).to.have.length(2);
      await bus.close();
      expect(timers.pending).to.equal(0);
    });
  }

  it('leaves no timer, no listener and one subscription after 200 interruptions', async () => {
    const { bus, driver, opened, nextAttempt, timers, heard } = benchBus();
    await opened();
    const idle = timers.pending;
    for (let round = 0; round < 200; round += 1) {
      driver.lastAttempt.down();
      await nextAttempt();
      driver.lastAttempt.succeed();
      await settled();
      expect(bus.state).to.equal('open');
      expect(timers.pending).to.equal(idle);
    }
    const attached = driver.attempts.filter(({ link }) => link.detachCount === 0);
    expect(attached).to.have.length(1);
    for (const { events } of driver.attempts) events.frame('x');
    expect(heard.filter((line) => line === 'frame x')).to.have.length(1);
    await bus.close();
    expect(driver.attempts.every(({ link }) => link.detachCount === 1)).to.equal(true);
    expect(timers.pending).to.equal(0);
  });
});
