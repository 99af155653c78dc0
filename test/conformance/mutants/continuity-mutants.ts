import { BusError } from '../../../src/index.ts';
import type { Leftovers } from './leftovers.ts';
import { contained, type Mutant } from './mutant.ts';

export function continuityMutants(leftovers: Leftovers): readonly Mutant[] {
  return [
    {
      rule: 'IB-30',
      fault: 'says `interrupted` twice',
      mutation: () => ({
        receiver: (inner) => ({
          onContinuity: (event) => {
            if (event.type === 'interrupted') inner.onContinuity(event);
            inner.onContinuity(event);
          },
        }),
      }),
    },
    {
      rule: 'IB-31',
      fault: 'keeps frames until it is attached again',
      mutation: (bus) => {
        const waiting: (() => void)[] = [];
        return {
          publish: async (next, frame) => {
            if (bus.state === 'interrupted') {
              await new Promise<void>((resolve) => waiting.push(resolve));
            }
            await next(frame);
          },
          receiver: (inner) => ({
            onContinuity: (event) => {
              inner.onContinuity(event);
              if (event.type === 'resumed') for (const go of waiting.splice(0)) go();
            },
          }),
        };
      },
    },
    {
      rule: 'IB-32',
      fault: 'says `resumed` after the first frames',
      mutation: () => ({
        receiver: (inner) => ({
          onContinuity: (event) => {
            if (event.type === 'resumed')
              setTimeout(() => contained(() => inner.onContinuity(event)), 20);
            else inner.onContinuity(event);
          },
        }),
      }),
    },
    {
      rule: 'IB-33',
      fault: 'lies about loss',
      mutation: () => ({
        receiver: (inner) => ({
          onContinuity: (event) => {
            inner.onContinuity(event.type === 'resumed' ? { ...event, loss: 'none' } : event);
          },
        }),
      }),
    },
    {
      rule: 'IB-34',
      fault: 'could resume and never does',
      options: (options) => ({ ...options, resumption: true }),
      mutation: () => ({
        receiver: (inner) => ({
          onContinuity: (event) => {
            inner.onContinuity(event.type === 'resumed' ? { ...event, loss: 'possible' } : event);
          },
        }),
      }),
    },
    {
      rule: 'IB-34',
      fault: 'cannot resume and claims that nothing was lost',
      mutation: () => ({
        receiver: (inner) => ({
          onContinuity: (event) => {
            inner.onContinuity(event.type === 'resumed' ? { ...event, loss: 'none' } : event);
          },
        }),
      }),
    },
    {
      rule: 'IB-35',
      fault: 'subscribes once more with every attachment',
      mutation: () => {
        let subscriptions = 1;
        return {
          receiver: (inner) => ({
            onFrame: (frame) => {
              for (let copy = 0; copy < subscriptions; copy += 1) inner.onFrame(frame);
            },
            onContinuity: (event) => {
              if (event.type === 'resumed') subscriptions += 1;
              inner.onContinuity(event);
            },
          }),
        };
      },
    },
    {
      rule: 'IB-36',
      fault: 'never notices a half-open line',
      options: (options) => ({ ...options, silenceTimeoutMs: 2 ** 30 }),
    },
    {
      rule: 'IB-40',
      fault: 'goes deaf when its receiver throws',
      mutation: () => {
        let deaf = false;
        return {
          receiver: (inner) => ({
            onFrame: (frame) => {
              if (deaf) return;
              deaf = true;
              inner.onFrame(frame);
              deaf = false;
            },
          }),
        };
      },
    },
    {
      rule: 'IB-41',
      fault: 'drops what exceeds 1,000 frames in one go',
      mutation: () => {
        let inOneGo = 0;
        return {
          receiver: (inner) => ({
            onFrame: (frame) => {
              if (inOneGo === 0) {
                setImmediate(() => {
                  inOneGo = 0;
                });
              }
              inOneGo += 1;
              if (inOneGo <= 1_000) inner.onFrame(frame);
            },
          }),
        };
      },
    },
    {
      rule: 'IB-41',
      fault: 'keeps everything that it ever heard, many times over',
      mutation: () => {
        const kept: string[][] = [];
        return {
          receiver: (inner) => ({
            onFrame: (frame) => {
              kept.push(Array.from({ length: 1_000 }, (_, index) => `${frame}${index}`));
              inner.onFrame(frame);
            },
          }),
        };
      },
    },
    {
      rule: 'IB-42',
      fault: 'chokes on foreign text that looks like JSON',
      mutation: () => ({
        receiver: (inner) => ({
          onForeign: (message) => {
            if (message.text.startsWith('{')) JSON.parse(message.text);
            inner.onForeign(message);
          },
        }),
      }),
    },
    {
      rule: 'IB-43',
      fault: 'tells every bus of the process about the outage of one',
      mutation: () => ({
        receiver: (inner) => {
          const cause = new BusError('BUS_UNREACHABLE', 'somebody is cut off');
          leftovers.receivers.push(() => {
            inner.onContinuity({ type: 'gap', cause });
          });
          return {
            onContinuity: (event) => {
              if (event.type === 'interrupted')
                for (const tell of leftovers.receivers) contained(tell);
              inner.onContinuity(event);
            },
          };
        },
      }),
    },
  ];
}
