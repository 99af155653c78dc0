import { createHash } from 'node:crypto';

/** What marks our frames among everything else that may be published on the channel. */
const MARK = '#unstale ';
/** A frame is printable ASCII; anything else with our mark is not from us. */
const FRAME_TEXT = /^[\x20-\x7e]*$/;

export type RedisMessage =
  | { readonly type: 'frame'; readonly frame: string }
  | { readonly type: 'foreign'; readonly text: string; readonly id: string };

export function encode(frame: string): string {
  return `${MARK}${frame}`;
}

export function decode(payload: string): RedisMessage {
  const frame = payload.slice(MARK.length);
  if (payload.startsWith(MARK) && FRAME_TEXT.test(frame)) return { type: 'frame', frame };
  // Redis gives messages no id, so the content names it: the same for every receiver.
  const id = createHash('sha256').update(payload).digest('base64url').slice(0, 22);
  return { type: 'foreign', text: payload, id };
}
