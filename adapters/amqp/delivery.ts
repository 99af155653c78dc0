import { createHash } from 'node:crypto';

import type { ConsumeMessage } from 'amqplib';

import type { ForeignMessage, Frame } from '../../src/index.ts';

/** What tells a frame from any other message on the exchange. */
export const FRAME_CONTENT_TYPE = 'application/x-unstale-frame';

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

export type Delivery =
  | { readonly type: 'frame'; readonly frame: Frame; readonly id: string }
  | { readonly type: 'foreign'; readonly message: ForeignMessage };

/** What a delivery is: a frame, or whatever else somebody has published. Total. */
export function readDelivery({ content, properties }: ConsumeMessage): Delivery {
  const text = content.toString('utf8');
  const { contentType, messageId, timestamp, userId, appId } = properties;
  const id = typeof messageId === 'string' ? messageId : '';
  if (contentType === FRAME_CONTENT_TYPE && PRINTABLE_ASCII.test(text)) {
    return { type: 'frame', frame: text, id };
  }
  // RabbitMQ verifies a `user-id`; an `app-id` is what the sender says.
  const sender = [userId, appId].find((name) => typeof name === 'string' && name !== '');
  const message = { text, id: id === '' ? contentId(content, timestamp) : id };
  return { type: 'foreign', message: sender === undefined ? message : { ...message, sender } };
}

/** The same for every bus that receives the message, which is all that can be had for one without a name. */
function contentId(content: Buffer, timestamp: unknown): string {
  const hash = createHash('sha256').update(content).update(String(timestamp));
  return hash.digest('hex').slice(0, 32);
}
