import type { ForeignMessage, Frame } from '../../src/index.ts';

/**
 * One line between a member and the hub. A line that begins with SOH (0x01) is a record, a letter and what it
 * carries; any other line is a message that somebody wrote by hand. Members say `hello` first, the hub answers
 * `welcome`. `decodeRecord` is total: whatever the bytes are, it says what they mean or why they are refused.
 */
export type IpcRecord =
  | { readonly type: 'hello'; readonly version: number; readonly heartbeatMs: number }
  | { readonly type: 'welcome' }
  /** A frame to be published, or one of another member. */
  | { readonly type: 'frame'; readonly frame: Frame }
  /** The member's own frame, in its place in the order. */
  | { readonly type: 'own'; readonly frame: Frame }
  | { readonly type: 'foreign'; readonly message: ForeignMessage }
  | { readonly type: 'beat' }
  /** The last line before the hub hangs up. */
  | { readonly type: 'refusal'; readonly reason: string; readonly permanent: boolean };

export type Decoded = IpcRecord | { readonly type: 'unreadable'; readonly reason: string };

export const PROTOCOL_VERSION = 1;
export const MAX_FRAME_BYTES = 65_536;
/** The longest text of a foreign message, in UTF-16 units. */
export const MAX_TEXT_LENGTH = 65_536;
/** The longest line: a foreign text of control characters only, each of which JSON writes as six bytes, and its envelope. */
export const MAX_LINE_BYTES: number = 6 * MAX_TEXT_LENGTH + 1_024;
export const MIN_HEARTBEAT_MS = 20;
export const MAX_HEARTBEAT_MS = 600_000;

const SOH = '\u0001';
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** The line of a record, with its end. */
export function encodeRecord(record: IpcRecord): string {
  switch (record.type) {
    case 'hello':
      return `${SOH}H${JSON.stringify({ v: record.version, heartbeatMs: record.heartbeatMs })}\n`;
    case 'welcome':
      return `${SOH}W\n`;
    case 'frame':
      return `${SOH}F${record.frame}\n`;
    case 'own':
      return `${SOH}O${record.frame}\n`;
    case 'foreign':
      return `${SOH}M${JSON.stringify(record.message)}\n`;
    case 'beat':
      return `${SOH}B\n`;
    case 'refusal':
      return `${SOH}R${JSON.stringify({ reason: record.reason, permanent: record.permanent })}\n`;
  }
}

/** What a line, without its end, says. */
export function decodeRecord(line: string): Decoded {
  if (!line.startsWith(SOH)) return readPlain(line);
  const carried = line.slice(2);
  switch (line.charAt(1)) {
    case 'H':
      return readHello(carried);
    case 'W':
      return carried === '' ? { type: 'welcome' } : unreadable('a welcome carries nothing');
    case 'F':
      return readFrame('frame', carried);
    case 'O':
      return readFrame('own', carried);
    case 'M':
      return readForeign(carried);
    case 'B':
      return carried === '' ? { type: 'beat' } : unreadable('a beat carries nothing');
    case 'R':
      return readRefusal(carried);
    default:
      return unreadable('an unknown kind of record');
  }
}

/** A person, or another program: `echo article:42 | nc -U …`. The hub names the message. */
function readPlain(line: string): Decoded {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return foreign({ text, id: '' });
}

function readFrame(type: 'frame' | 'own', frame: string): Decoded {
  if (frame.length > MAX_FRAME_BYTES) {
    return unreadable(`a frame is longer than ${MAX_FRAME_BYTES} bytes`);
  }
  if (!PRINTABLE_ASCII.test(frame)) return unreadable('a frame is not printable ASCII');
  return { type, frame };
}

function readHello(carried: string): Decoded {
  const hello = parseObject(carried);
  const version = hello['v'];
  const heartbeatMs = hello['heartbeatMs'];
  if (
    typeof version !== 'number' ||
    typeof heartbeatMs !== 'number' ||
    !(heartbeatMs >= MIN_HEARTBEAT_MS && heartbeatMs <= MAX_HEARTBEAT_MS)
  ) {
    return unreadable('a hello without a version or a sensible heartbeat');
  }
  return { type: 'hello', version, heartbeatMs };
}

function readForeign(carried: string): Decoded {
  const { text, id = '' } = parseObject(carried);
  if (typeof text !== 'string' || typeof id !== 'string') {
    return unreadable('a message without a text');
  }
  return foreign({ text, id });
}

function foreign(message: ForeignMessage): Decoded {
  if (message.text.length > MAX_TEXT_LENGTH) {
    return unreadable(`a message is longer than ${MAX_TEXT_LENGTH} characters`);
  }
  return { type: 'foreign', message };
}

function readRefusal(carried: string): Decoded {
  const { reason, permanent } = parseObject(carried);
  if (typeof reason !== 'string' || typeof permanent !== 'boolean') {
    return unreadable('a refusal without a reason');
  }
  return { type: 'refusal', reason, permanent };
}

function parseObject(text: string): Record<string, unknown> {
  const value = parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): Decoded {
  return { type: 'unreadable', reason };
}
