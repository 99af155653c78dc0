import { memoryBus } from '../../../adapters/memory/index.ts';
import { BusError, type Frame } from '../../../src/index.ts';
import type { Leftovers } from './leftovers.ts';
import type { Mutant } from './mutant.ts';

export function lifecycleMutants(leftovers: Leftovers): readonly Mutant[] {
  return [
    {
      rule: 'IB-10',
      fault: 'accepts frames before it is open, and drops them',
      mutation: (bus) => ({
        publish: async (next, frame) => {
          if (bus.state !== 'idle') await next(frame);
        },
      }),
    },
    {
      rule: 'IB-11',
      fault: 'lets itself be opened twice',
      mutation: (bus) => ({
        open: async (next) => {
          if (bus.state === 'idle') await next();
        },
      }),
    },
    {
      rule: 'IB-12',
      fault: 'opens though the broker is out of reach',
      mutation: () => ({
        open: async (next) => {
          await next().catch(ignore('BUS_UNREACHABLE'));
        },
      }),
    },
    {
      rule: 'IB-13',
      fault: 'calls a wrong credential an outage',
      mutation: () => ({
        open: async (next) => {
          try {
            await next();
          } catch (error) {
            if (!hasCode(error, 'BUS_ACCESS_DENIED')) throw error;
            throw new BusError('BUS_UNREACHABLE', 'no answer', { cause: error });
          }
        },
      }),
    },
    {
      rule: 'IB-14',
      fault: 'leaves a timer behind',
      mutation: () => ({
        open: async (next) => {
          await next();
          leftovers.timers.push(setInterval(() => undefined, 60_000));
        },
      }),
    },
    {
      rule: 'IB-14',
      fault: 'refuses to be closed twice',
      mutation: (bus) => ({
        close: async (next) => {
          if (bus.state === 'closed') throw new Error('closed already');
          await next();
        },
      }),
    },
    {
      rule: 'IB-15',
      fault: 'goes on to hear after close',
      mutation: (bus, options) => ({
        receiver: (inner) => {
          const ghost = memoryBus({ ...options, name: `${options.name}-ghost` });
          leftovers.buses.push(ghost);
          const onlyAfterClose = (frame: Frame): void => {
            if (bus.state === 'closed') inner.onFrame(frame);
          };
          void ghost.open({ onFrame: onlyAfterClose, onForeign: nothing, onContinuity: nothing });
          return {};
        },
      }),
    },
    {
      rule: 'IB-16',
      fault: 'takes every bus of the process with it when it closes',
      mutation: (bus) => {
        leftovers.buses.push(bus);
        return {
          close: async (next) => {
            await next();
            await leftovers.clear();
          },
        };
      },
    },
    {
      rule: 'IB-20',
      fault: 'confirms too early',
      mutation: () => ({
        publish: async (next, frame) => {
          setTimeout(() => void next(frame).catch(nothing), 2);
        },
      }),
    },
    {
      rule: 'IB-21',
      fault: 'forgets what was in flight when the line dies',
      mutation: () => ({
        publish: (next, frame, options) =>
          next(frame, options).catch((error: unknown) => {
            if (!hasCode(error, 'BUS_UNCONFIRMED')) throw error;
            return new Promise<void>(nothing);
          }),
      }),
    },
    {
      rule: 'IB-22',
      fault: 'does not look at the signal',
      mutation: () => ({
        open: (next) => next({}),
        publish: (next, frame) => next(frame, {}),
      }),
    },
  ];
}

function nothing(): void {}

function hasCode(error: unknown, code: BusError['code']): boolean {
  return error instanceof BusError && error.code === code;
}

function ignore(code: BusError['code']): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, code)) throw error;
  };
}
