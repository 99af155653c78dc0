import { expect } from 'chai';

import { BusError } from '../../../src/index.ts';
import { benchBus } from './bench-bus.ts';
import { settled } from './fake-timers.ts';

describe('the receiver of a bus', () => {
  it('may throw: that is reported, and the bus goes on', async () => {
    const reported: unknown[] = [];
    const { bus, driver, opened, nextAttempt, heard } = benchBus({
      tuning: { onReceiverError: (error) => reported.push(error) },
      onHeard: (line) => {
        throw new Error(line);
      },
    });
    await opened();
    const { events } = driver.lastAttempt;
    events.frame('a');
    events.foreign({ text: 'b', id: '1' });
    events.gap(new BusError('BUS_OVERFLOW', 'c'));
    driver.lastAttempt.down();
    await nextAttempt();
    driver.lastAttempt.succeed();
    await settled();
    driver.lastAttempt.down(new BusError('BUS_MISCONFIGURED', 'd'));
    expect(heard).to.deep.equal([
      'frame a',
      'foreign b',
      'gap BUS_OVERFLOW',
      'interrupted BUS_UNREACHABLE',
      'resumed possible',
      'failed BUS_MISCONFIGURED',
    ]);
    expect(reported.map(String)).to.deep.equal(heard.map((line) => `Error: ${line}`));
    expect(bus.state).to.equal('closed');
  });

  it('does not break the bus even if the reporter throws too', async () => {
    const { driver, opened, heard } = benchBus({
      tuning: {
        onReceiverError: () => {
          throw new Error('the log is full');
        },
      },
      onHeard: () => {
        throw new Error('no');
      },
    });
    await opened();
    driver.lastAttempt.events.frame('a');
    driver.lastAttempt.events.frame('b');
    expect(heard).to.deep.equal(['frame a', 'frame b']);
  });

  it('is warned about once per bus, if nobody asked to be told', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', onWarning);
    try {
      const { driver, opened } = benchBus({
        onHeard: () => {
          throw new Error('oh no');
        },
      });
      await opened();
      driver.lastAttempt.events.frame('a');
      driver.lastAttempt.events.frame('b');
      await settled();
    } finally {
      process.off('warning', onWarning);
    }
    expect(warnings.map(({ name }) => name)).to.deep.equal(['UnstaleWarning']);
    expect(warnings[0]?.message).to.contain('oh no');
  });

  it('is called one at a time: what comes during a call waits, in order', async () => {
    let depth = 0;
    let deepest = 0;
    const { driver, opened, heard } = benchBus({
      onHeard: (line) => {
        depth += 1;
        deepest = Math.max(deepest, depth);
        if (line === 'frame a') {
          const { events } = driver.lastAttempt;
          events.frame('b');
          events.gap(new BusError('BUS_OVERFLOW', ''));
          events.frame('c');
        }
        depth -= 1;
      },
    });
    await opened();
    driver.lastAttempt.events.frame('a');
    expect(heard).to.deep.equal(['frame a', 'frame b', 'gap BUS_OVERFLOW', 'frame c']);
    expect(deepest).to.equal(1);
  });

  it('hears the end of the link after what the link said before, also from inside a call', async () => {
    for (const [code, last] of [
      ['BUS_UNREACHABLE', 'interrupted BUS_UNREACHABLE'],
      ['BUS_ACCESS_DENIED', 'failed BUS_ACCESS_DENIED'],
    ] as const) {
      const { driver, opened, heard, timers, bus } = benchBus({
        onHeard: (line) => {
          if (line !== 'frame a') return;
          driver.lastAttempt.events.frame('b');
          driver.lastAttempt.down(new BusError(code, ''));
          driver.lastAttempt.events.frame('after the end');
        },
      });
      await opened();
      driver.lastAttempt.events.frame('a');
      expect(heard).to.deep.equal(['frame a', 'frame b', last]);
      await bus.close();
      expect(timers.pending).to.equal(0);
    }
  });

  it('hears a gap in the place of what was too much while the bus attached', async () => {
    const { bus, driver, receiver, heard } = benchBus({ tuning: { maxHeldFrames: 3 } });
    const opening = bus.open(receiver);
    for (const frame of ['1', '2', '3', '4', '5']) driver.lastAttempt.events.frame(frame);
    driver.lastAttempt.succeed();
    await opening;
    driver.lastAttempt.events.frame('6');
    expect(heard).to.deep.equal(['frame 1', 'frame 2', 'frame 3', 'gap BUS_OVERFLOW', 'frame 6']);
  });

  it('hears a gap when it is so slow that too much waits, and still hears of the end', async () => {
    const { driver, opened, heard, bus } = benchBus({
      tuning: { maxHeldFrames: 2 },
      onHeard: (line) => {
        if (line !== 'frame first') return;
        for (const frame of ['1', '2', '3', '4']) driver.lastAttempt.events.frame(frame);
        driver.lastAttempt.down(new BusError('BUS_ACCESS_DENIED', 'and out'));
      },
    });
    await opened();
    driver.lastAttempt.events.frame('first');
    expect(heard).to.deep.equal([
      'frame first',
      'frame 1',
      'frame 2',
      'gap BUS_OVERFLOW',
      'failed BUS_ACCESS_DENIED',
    ]);
    expect(bus.state).to.equal('closed');
  });

  it('can publish from inside `resumed`, over the link that has just been attached', async () => {
    const { bus, driver, opened, nextAttempt, heard } = benchBus({
      onHeard: (line) => {
        if (line === 'resumed possible') void bus.publish('again').catch(() => undefined);
      },
    });
    await opened();
    driver.lastAttempt.down();
    await nextAttempt();
    const { link, events } = driver.lastAttempt;
    link.onSend = async (frame) => {
      events.frame(frame);
    };
    driver.lastAttempt.succeed();
    await settled();
    expect(heard.at(-1)).to.equal('frame again');
  });
});
