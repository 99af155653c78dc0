import type { Frame } from '../../../src/index.ts';
import { contained, type Mutant } from './mutant.ts';

export const deliveryMutants: readonly Mutant[] = [
  {
    rule: 'IB-01',
    fault: 'hears no loopback',
    mutation: () => {
      const own = new Set<Frame>();
      return {
        publish: (next, frame) => {
          own.add(frame);
          return next(frame);
        },
        receiver: (inner) => ({
          onFrame: (frame) => {
            if (!own.has(frame)) inner.onFrame(frame);
          },
        }),
      };
    },
  },
  {
    rule: 'IB-02',
    fault: 'drops the first frame after open',
    mutation: () => {
      let first = true;
      return {
        receiver: (inner) => ({
          onFrame: (frame) => {
            if (first) first = false;
            else inner.onFrame(frame);
          },
        }),
      };
    },
  },
  {
    rule: 'IB-03',
    fault: 'delivers every frame twice',
    mutation: () => ({
      receiver: (inner) => ({
        onFrame: (frame) => {
          inner.onFrame(frame);
          inner.onFrame(frame);
        },
      }),
    }),
  },
  {
    rule: 'IB-03',
    fault: 'drops one frame of fifty',
    mutation: () => {
      let count = 0;
      return {
        receiver: (inner) => ({
          onFrame: (frame) => {
            count += 1;
            if (count !== 17) inner.onFrame(frame);
          },
        }),
      };
    },
  },
  {
    rule: 'IB-04',
    fault: 'trims the text',
    mutation: () => ({
      receiver: (inner) => ({
        onFrame: (frame) => {
          inner.onFrame(frame.trim());
        },
      }),
    }),
  },
  {
    rule: 'IB-05',
    fault: 'cuts what is too long instead of refusing it',
    mutation: (bus) => ({
      publish: (next, frame) => next(frame.slice(0, bus.capabilities.maxFrameBytes)),
    }),
  },
  {
    rule: 'IB-06',
    fault: 'tidies up the names of channels',
    options: (options) => ({
      ...options,
      channel: options.channel.replaceAll(/[^a-z0-9-]+/g, '-').slice(0, 63),
    }),
  },
  {
    rule: 'IB-07',
    fault: 'lets one frame of ten be overtaken',
    mutation: () => {
      let count = 0;
      let held: Frame | undefined;
      return {
        receiver: (inner) => {
          const release = (): void => {
            if (held === undefined) return;
            const frame = held;
            held = undefined;
            contained(() => inner.onFrame(frame));
          };
          return {
            onFrame: (frame) => {
              count += 1;
              if (count % 10 === 0) {
                held = frame;
                setImmediate(release);
                return;
              }
              inner.onFrame(frame);
              release();
            },
          };
        },
      };
    },
  },
  {
    rule: 'IB-08',
    fault: 'hears its own frames before those of others',
    mutation: () => {
      const own = new Set<Frame>();
      return {
        publish: (next, frame) => {
          own.add(frame);
          return next(frame);
        },
        receiver: (inner) => ({
          onFrame: (frame) => {
            if (own.has(frame)) inner.onFrame(frame);
            else {
              setImmediate(() => {
                contained(() => inner.onFrame(frame));
              });
            }
          },
        }),
      };
    },
  },
  {
    rule: 'IB-09',
    fault: 'takes a foreign message for a frame',
    mutation: () => ({
      receiver: (inner) => ({
        onForeign: ({ text }) => {
          inner.onFrame(text);
        },
      }),
    }),
  },
  {
    rule: 'IB-09',
    fault: 'changes the text of a foreign message',
    mutation: () => ({
      receiver: (inner) => ({
        onForeign: (message) => {
          inner.onForeign({ ...message, text: message.text.normalize('NFKD') });
        },
      }),
    }),
  },
];
