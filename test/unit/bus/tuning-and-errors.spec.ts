import { expect } from 'chai';

import { BusError, type BusErrorCode, type BusTuning, createBus } from '../../../src/index.ts';
import { isFatal } from '../../../src/bus/bus-error.ts';
import { ScriptedDriver } from './scripted-driver.ts';

describe('the tuning of a bus', () => {
  const durations = [
    'attachTimeoutMs',
    'confirmTimeoutMs',
    'detachTimeoutMs',
    'retryBaseMs',
    'retryCapMs',
  ] as const;
  const counts = ['maxUnconfirmedFrames', 'maxHeldFrames', 'maxFrameBytes'] as const;

  for (const name of [...durations, ...counts]) {
    it(`names ${name} when it is out of range`, () => {
      for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, JSON.parse('"1"')]) {
        const tuning: BusTuning = { [name]: value };
        expect(() => createBus(new ScriptedDriver(), tuning), String(value)).to.throw(
          TypeError,
          `tuning.${name}`,
        );
      }
    });
  }

  it('refuses a wait that the timers of Node would cut to 1 ms', () => {
    expect(() => createBus(new ScriptedDriver(), { attachTimeoutMs: 2 ** 31 })).to.throw(TypeError);
  });

  it('can lower maxFrameBytes and not raise it', () => {
    for (const [wanted, got] of [
      [50, 50],
      [500, 100],
    ] as const) {
      const driver = new ScriptedDriver({ maxFrameBytes: 100 });
      const { capabilities } = createBus(driver, { maxFrameBytes: wanted });
      expect(capabilities.maxFrameBytes).to.equal(got);
    }
  });

  it('leaves the capabilities constant: nobody can change them', () => {
    const { capabilities } = createBus(new ScriptedDriver());
    expect(Object.isFrozen(capabilities)).to.equal(true);
  });
});

describe('a bus error', () => {
  it('says for each code whether the frame may have been sent, and whether another attempt can help', () => {
    const expected = {
      BUS_NOT_OPEN: ['not-sent', false],
      BUS_ALREADY_OPENED: ['not-sent', false],
      BUS_UNREACHABLE: ['not-sent', false],
      BUS_ACCESS_DENIED: ['not-sent', true],
      BUS_MISCONFIGURED: ['not-sent', true],
      BUS_INTERRUPTED: ['not-sent', false],
      BUS_FRAME_TOO_LARGE: ['not-sent', false],
      BUS_REJECTED: ['not-sent', false],
      BUS_UNCONFIRMED: ['indeterminate', false],
      BUS_OVERFLOW: ['indeterminate', false],
      BUS_EVICTED: ['indeterminate', false],
    } satisfies Record<BusErrorCode, readonly [outcome: string, fatal: boolean]>;
    for (const [code, says] of typedEntries(expected)) {
      const error = new BusError(code, 'text', { cause: 'why' });
      expect([error.outcome, isFatal(error)], code).to.deep.equal(says);
      expect(error).to.include({ name: 'BusError', message: 'text', cause: 'why' });
    }
  });
});

/** The entries of a record whose keys are known to be all there are. */
function typedEntries<K extends string, V>(record: Record<K, V>): [K, V][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a literal has no other keys than its type says
  return Object.entries(record) as [K, V][];
}
