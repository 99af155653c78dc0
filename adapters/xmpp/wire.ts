import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Line } from './line.ts';
import { notXmpp } from './xmpp-errors.ts';

/**
 * No stanza is longer; the parser of the client library would collect anything. Servers accept 256 KiB from a
 * person in the room (Prosody by default), and may write each quotation mark as six characters to us.
 */
const MAX_STANZA_CHARS = 4 * 1024 * 1024;

/**
 * A line as @xmpp/client wants its socket: an emitter of `connect`, `data`, `error` and `close`. It gives the
 * library whole characters, no more than it can digest, and catches what its parser throws, which would
 * otherwise be an uncaught exception: a malformed entity is enough.
 */
export class Wire extends EventEmitter {
  readonly secure: boolean;
  readonly #stream: Duplex;
  readonly #address: string;
  /** Our header of the stream is sent: the library's is to be dropped. */
  #headerDue: boolean;
  #heardAnything = false;
  #charsOfStanza = 0;
  #parsing = false;
  #destroyed = false;
  #failure: Error | undefined;

  constructor(line: Line) {
    super();
    this.secure = line.secure;
    this.#stream = line.stream;
    this.#address = line.address;
    this.#headerDue = line.greeted;
    line.stream.setEncoding('utf8');
    line.stream.pause();
    line.stream.on('data', (text: string) => {
      this.#hear(text);
    });
    line.stream.on('end', () => {
      this.destroy();
    });
    line.stream.on('error', (error) => {
      this.#failure ??= error;
    });
    line.stream.on('close', () => {
      this.#destroyed = true;
      this.emit('close', this.#failure !== undefined, this.#failure);
    });
  }

  /** Whether the library is in the middle of what has arrived. */
  get parsing(): boolean {
    return this.#parsing;
  }

  /** Whether the server has ever said anything. */
  get heardAnything(): boolean {
    return this.#heardAnything;
  }

  /** What is written and has not left the process, in bytes. */
  get backlog(): number {
    return this.#stream.writableLength;
  }

  /** It is connected already. */
  connect(): void {
    process.nextTick(() => this.emit('connect'));
  }

  write(text: string, done: (error?: Error | null) => void): void {
    // Nobody listens before the library has opened its stream.
    this.#stream.resume();
    if (this.#headerDue) {
      this.#headerDue = false;
      done();
      return;
    }
    this.#stream.write(text, done);
  }

  end(): void {
    this.destroy();
  }

  /** A stanza is complete: the next one has the whole budget again. */
  stanzaEnded(): void {
    this.#charsOfStanza = 0;
  }

  /** Not a byte is heard after this. */
  destroy(cause?: Error): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#failure ??= cause;
    this.#stream.destroy();
  }

  #hear(text: string): void {
    if (this.#destroyed) return;
    if (!this.#heardAnything && text.trim() !== '') {
      this.#heardAnything = true;
      if (!text.trimStart().startsWith('<')) {
        this.destroy(notXmpp(this.#address, text));
        return;
      }
    }
    this.#charsOfStanza += text.length;
    if (this.#charsOfStanza > MAX_STANZA_CHARS) {
      this.destroy(
        new Error(`the server sent a stanza of more than ${MAX_STANZA_CHARS} characters`),
      );
      return;
    }
    this.#parsing = true;
    try {
      this.emit('data', text);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#parsing = false;
    }
  }
}
