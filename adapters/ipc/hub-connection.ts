import type { Socket } from 'node:net';

import type { Frame } from '../../src/index.ts';
import { LineSplitter } from './line-splitter.ts';
import { Pulse } from './pulse.ts';
import {
  type Decoded,
  decodeRecord,
  encodeRecord,
  MAX_LINE_BYTES,
  PROTOCOL_VERSION,
} from './record.ts';

export interface HubConnectionEvents {
  onFrame(frame: Frame): void;
  onForeign(text: string): void;
  onRefused(reason: string): void;
  onGone(): void;
}

/** What a member may leave unread; one that leaves more is hung up on, so that it never slows the others. */
const MAX_UNREAD_BYTES = 16 * 1_024 * 1_024;
/** How long a connection that is no member may be silent, in ms. */
const PLAIN_IDLE_MS = 600_000;

const WELCOME = encodeRecord({ type: 'welcome' });
const BEAT = encodeRecord({ type: 'beat' });

/** The hub's end of one connection: a member, once it has said hello, or any other local program. */
export class HubConnection {
  readonly #socket: Socket;
  readonly #events: HubConnectionEvents;
  readonly #lines = new LineSplitter(MAX_LINE_BYTES);
  /** Runs once the connection has become a member. */
  #pulse: Pulse | undefined;
  #ended = false;
  #corked = false;

  constructor(socket: Socket, events: HubConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.setTimeout(PLAIN_IDLE_MS, () => {
      this.destroy();
    });
    socket.on('data', (chunk) => {
      this.#read(chunk);
    });
    socket.on('end', () => {
      this.#readRest();
    });
    // What ends a connection is the member's business; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#pulse?.stop();
      events.onGone();
    });
  }

  /** Passes a line on, if this is a member. */
  tell(line: Buffer | string): void {
    if (this.#pulse === undefined || this.#ended) return;
    this.#corkForThisTick();
    this.#socket.write(line);
    this.#pulse.sent();
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      this.#events.onRefused(`a member left more than ${MAX_UNREAD_BYTES} bytes unread`);
      this.destroy();
    }
  }

  /** Says no more, and hangs up when all has been read. */
  end(): void {
    this.#ended = true;
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#pulse?.heard();
    for (const line of this.#lines.push(chunk)) {
      if (this.#ended) return;
      this.#act(decodeRecord(line));
    }
    if (this.#lines.overflowed && !this.#ended) {
      this.#refuse(`a line is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }

  /** `printf article:42 | nc -U …` ends without a line feed. */
  #readRest(): void {
    const rest = this.#ended ? undefined : this.#lines.rest();
    if (rest === undefined) return;
    const decoded = decodeRecord(rest);
    if (decoded.type === 'foreign') this.#act(decoded);
    else this.#events.onRefused('the connection ended in the middle of a record');
  }

  #act(decoded: Decoded): void {
    switch (decoded.type) {
      case 'hello':
        this.#welcome(decoded.version, decoded.heartbeatMs);
        return;
      case 'frame':
        if (this.#pulse === undefined) this.#refuse('a frame before the hello');
        else this.#events.onFrame(decoded.frame);
        return;
      case 'foreign':
        // `printf '\n'` is not a message.
        if (decoded.message.text !== '') this.#events.onForeign(decoded.message.text);
        return;
      case 'beat':
        return;
      case 'unreadable':
        this.#refuse(decoded.reason);
        return;
      case 'welcome':
      case 'own':
      case 'refusal':
        this.#refuse('only the hub says that');
    }
  }

  #welcome(version: number, heartbeatMs: number): void {
    if (this.#pulse !== undefined) {
      this.#refuse('a second hello');
      return;
    }
    if (version !== PROTOCOL_VERSION) {
      const reason = `the hub speaks version ${PROTOCOL_VERSION} and not ${version}; run the same version of unstale in all processes`;
      this.#refuse(reason, { permanent: true });
      return;
    }
    this.#socket.setTimeout(0);
    this.#pulse = new Pulse({
      intervalMs: heartbeatMs,
      beat: () => {
        this.tell(BEAT);
      },
      onSilent: () => {
        this.destroy();
      },
    });
    this.tell(WELCOME);
  }

  #refuse(reason: string, options: { readonly permanent: boolean } = { permanent: false }): void {
    this.#events.onRefused(reason);
    this.#socket.write(encodeRecord({ type: 'refusal', reason, permanent: options.permanent }));
    this.end();
  }

  /** A burst becomes one write per member and tick, not one per frame. */
  #corkForThisTick(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }
}
