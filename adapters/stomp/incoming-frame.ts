import { Readable } from 'node:stream';

export type Headers = Readonly<Record<string, string>>;

export interface Incoming {
  readonly frame: Readable;
  readonly headers: Headers;
}

/** The library's types say something else about the frames that it hands out. */
export function incoming(frame: unknown): Incoming {
  if (!(frame instanceof Readable) || !('headers' in frame)) {
    throw new TypeError('this version of stompit hands out something else than frames');
  }
  return { frame, headers: headersOf(frame.headers) };
}

export function connectedHeaders(client: object): Headers {
  return headersOf('headers' in client ? client.headers : undefined);
}

/** A map without a prototype: a stranger chooses the names. */
function headersOf(value: unknown): Headers {
  const headers: Record<string, string> = Object.create(null);
  if (typeof value !== 'object' || value === null) return headers;
  for (const [name, text] of Object.entries(value)) headers[name] = String(text);
  return headers;
}

/**
 * stompit 1.0 collects headers in a plain object and asks that very object for `hasOwnProperty`, so that one message
 * with a header of this name would bring the process down. It gets another name.
 */
export function disarm(client: object): void {
  const stream: unknown = Reflect.get(client, '_incoming');
  if (typeof stream !== 'object' || stream === null) return;
  const decode: unknown = Reflect.get(stream, '_decode');
  if (typeof decode !== 'function') return;
  Reflect.set(stream, '_decode', (text: string): unknown => {
    const decoded: unknown = Reflect.apply(decode, stream, [text]);
    return decoded === 'hasOwnProperty' ? 'has-own-property' : decoded;
  });
}
