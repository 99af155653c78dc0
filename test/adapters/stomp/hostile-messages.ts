import { destinationFor } from '../../../adapters/stomp/destination.ts';
import type { BrokerPlace, HostileMessage } from '../../../conformance-tests/index.ts';
import { Producer } from './producer.ts';

/** Messages that mean harm, as anybody with the right to write to the topic can send them. */
export function hostileMessages(
  account: () => { readonly username: string; readonly password: string },
): readonly HostileMessage[] {
  const message = (name: string, harm: (producer: Producer) => Promise<void>): HostileMessage => ({
    name,
    async send({ host, port, channel }: BrokerPlace) {
      const destination = destinationFor(channel);
      const producer = await Producer.at({ host, port, ...account(), destination });
      await harm(producer);
      await producer.leave();
    },
  });
  const frame = { unstaleFrame: '0123456789abcdef-1' };
  return [
    message('a frame that is no text', (producer) =>
      producer.sendBytes(Buffer.from([0, 1, 2, 255, 254, 0]), frame),
    ),
    message('a frame with letters that no frame has', (producer) =>
      producer.sendText('{"v":1,"t":"é"}', frame),
    ),
    message('a mark that is no number', (producer) =>
      producer.sendText('x', { unstaleFrame: '0123456789abcdef-99999999999999999999' }),
    ),
    message('bytes that are no UTF-8', (producer) =>
      producer.sendBytes(Buffer.from([0xc3, 0x28, 0xa0, 0xff])),
    ),
    message('a header that is called like a method', (producer) =>
      producer.sendText('x', { hasOwnProperty: 'true', constructor: 'x', toString: 'y' }),
    ),
    message('a header that is called __proto__', (producer) =>
      producer.sendText('x', { __proto__x: '1', ['__proto__']: 'polluted' }),
    ),
    // ActiveMQ itself takes no more than 10 KiB in a header.
    message('a header of 9,000 characters', (producer) =>
      producer.sendText('x', { long: 'x'.repeat(9_000) }),
    ),
    message('500 headers', (producer) =>
      producer.sendText(
        'x',
        Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`header${index}`, 'x'])),
      ),
    ),
    message('two megabytes', (producer) => producer.sendBytes(Buffer.alloc(2_000_000, 'x'))),
    message('a frame of two megabytes', (producer) =>
      producer.sendText('x'.repeat(2_000_000), frame),
    ),
    message('an empty message', (producer) => producer.sendText('')),
    message('the text of another protocol', (producer) =>
      producer.sendText('</body></message></stream:stream>\nMESSAGE\n\n'),
    ),
  ];
}
