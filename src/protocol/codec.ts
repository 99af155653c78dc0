import { WIRE_VERSION, type Message, type Origin } from './message.ts';
import { fromWire, isName, isNumber, isOrigin, isRecord } from './wire-reader.ts';
import { toWire } from './wire-writer.ts';

/** Why a frame was refused. Each reason is counted on its own. */
export type RefusalReason = 'too-large' | 'not-json' | 'not-a-message' | 'malformed';

export type Decoded =
  | { readonly type: 'message'; readonly message: Message }
  /** A frame of another cluster that shares the channel. */
  | { readonly type: 'other-cluster' }
  /** A frame of a later major version: its origin exists, but says nothing that we could trust (VER-1). */
  | { readonly type: 'newer'; readonly origin: Origin }
  | { readonly type: 'refused'; readonly reason: RefusalReason };

/** What reads frames: `decode`, or something that remembers what it has read. */
export type Decoder = (frame: string, cluster: string, maxFrameBytes: number) => Decoded;

/** Writes a message as one line of ASCII JSON: what every broker carries unchanged. */
export function encode(cluster: string, message: Exclude<Message, { type: 'unknown' }>): string {
  return ascii(JSON.stringify(toWire(cluster, message)));
}

/**
 * Reads a frame. Total: it never throws, whatever the text, and allocates in proportion to the
 * length of the frame, never to a number in it.
 */
export function decode(frame: string, cluster: string, maxFrameBytes: number): Decoded {
  if (frame.length > maxFrameBytes) return refused('too-large');
  let wire: unknown;
  try {
    wire = JSON.parse(frame);
  } catch {
    return refused('not-json');
  }
  if (!isRecord(wire)) return refused('not-a-message');
  const { v: version, ns, o: origin, t: type } = wire;
  if (!isNumber(version) || version < 1 || !isName(ns) || !isOrigin(origin)) {
    return refused('not-a-message');
  }
  if (ns !== cluster) return { type: 'other-cluster' };
  if (version > WIRE_VERSION) return { type: 'newer', origin };
  if (typeof type !== 'string') return refused('not-a-message');
  const message = fromWire(type, origin, wire);
  return message === undefined ? refused('malformed') : { type: 'message', message };
}

/** The length that a string has in a frame, quotes and escapes included, in bytes. */
export function wireLength(text: string): number {
  return PLAIN.test(text) ? text.length + 2 : ascii(JSON.stringify(text)).length;
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;

function ascii(json: string): string {
  return json.replace(
    NOT_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function refused(reason: RefusalReason): Decoded {
  return { type: 'refused', reason };
}
