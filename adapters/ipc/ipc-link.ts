import { connect, type Socket } from 'node:net';

import { BusError, type Frame, type Link, type LinkEvents } from '../../src/index.ts';
import { LineSplitter } from './line-splitter.ts';
import { Pulse } from './pulse.ts';
import {
  type Decoded,
  decodeRecord,
  encodeRecord,
  MAX_LINE_BYTES,
  PROTOCOL_VERSION,
} from './record.ts';

export interface IpcLinkOptions {
  readonly address: string;
  readonly heartbeatMs: number;
  readonly events: LinkEvents;
  /** Called when the link has been detached. */
  readonly onDetached: () => Promise<void>;
}

/** What the hub may leave unread before `send` is refused. */
const MAX_UNREAD_BYTES = 16 * 1_024 * 1_024;

const BEAT = encodeRecord({ type: 'beat' });

interface Unconfirmed {
  readonly frame: Frame;
  readonly confirm: () => void;
}

/** The member's end of its connection to the hub. */
export class IpcLink implements Link {
  readonly resumed = false;
  readonly #options: IpcLinkOptions;
  readonly #socket: Socket;
  readonly #lines = new LineSplitter(MAX_LINE_BYTES);
  /** In the order in which they were sent, which is the order in which the hub returns them. */
  readonly #unconfirmed: Unconfirmed[] = [];
  #pulse: Pulse | undefined;
  #onWelcome: () => void = nothing;
  #onDown: (cause: BusError) => void = nothing;

  private constructor(options: IpcLinkOptions) {
    this.#options = options;
    this.#socket = connect(options.address);
  }

  /**
   * Connects and waits for the hub's welcome. `dead`: nobody listens at the address any more;
   * `gone`: somebody did, and hung up.
   * @throws {BusError} if the hub refuses, or the system does
   */
  static async attach(
    options: IpcLinkOptions,
    signal: AbortSignal,
  ): Promise<IpcLink | 'dead' | 'gone'> {
    // A signal that is aborted already will not say so again.
    signal.throwIfAborted();
    const link = new IpcLink(options);
    const outcome = await link.#join(signal);
    if (outcome === 'welcome') return link;
    link.#socket.destroy();
    return outcome;
  }

  send(frame: Frame): Promise<void> {
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      const message = `the hub left more than ${MAX_UNREAD_BYTES} bytes unread; wait for some confirmations`;
      return Promise.reject(new BusError('BUS_REJECTED', message));
    }
    return new Promise((resolve) => {
      this.#unconfirmed.push({ frame, confirm: resolve });
      this.#socket.write(encodeRecord({ type: 'frame', frame }));
      this.#pulse?.sent();
    });
  }

  async detach(): Promise<void> {
    this.#onDown = nothing;
    await this.#release();
    await this.#options.onDetached();
  }

  #join(signal: AbortSignal): Promise<'welcome' | 'dead' | 'gone'> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        reject(signal.reason);
        this.#socket.destroy();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#onWelcome = () => {
        signal.removeEventListener('abort', onAbort);
        this.#onDown = (cause) => {
          this.#options.events.down(cause);
        };
        resolve('welcome');
      };
      this.#onDown = (cause) => {
        signal.removeEventListener('abort', onAbort);
        const code = codeOf(cause.cause);
        if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve('dead');
        else if (cause.code === 'BUS_UNREACHABLE') resolve('gone');
        else reject(cause);
      };
      this.#listen();
    });
  }

  #listen(): void {
    const { heartbeatMs } = this.#options;
    let error: Error | undefined;
    this.#socket.on('connect', () => {
      this.#socket.write(encodeRecord({ type: 'hello', version: PROTOCOL_VERSION, heartbeatMs }));
    });
    this.#socket.on('data', (chunk) => {
      this.#read(chunk);
    });
    this.#socket.on('error', (cause) => {
      error = cause;
    });
    this.#socket.on('close', () => {
      const code = codeOf(error) === 'EACCES' ? 'BUS_ACCESS_DENIED' : 'BUS_UNREACHABLE';
      this.#down(new BusError(code, 'the connection to the hub ended', { cause: error }));
    });
  }

  #read(chunk: Buffer): void {
    this.#pulse?.heard();
    for (const line of this.#lines.push(chunk)) {
      if (this.#socket.destroyed) return;
      this.#act(decodeRecord(line));
    }
    if (this.#lines.overflowed) this.#act({ type: 'unreadable', reason: 'a line is too long' });
  }

  #act(decoded: Decoded): void {
    const { events } = this.#options;
    switch (decoded.type) {
      case 'welcome':
        this.#startPulse();
        this.#onWelcome();
        this.#onWelcome = nothing;
        return;
      case 'frame':
        events.frame(decoded.frame);
        return;
      case 'own':
        this.#confirm(decoded.frame);
        return;
      case 'foreign':
        events.foreign(decoded.message);
        return;
      case 'beat':
        return;
      case 'refusal': {
        const code = decoded.permanent ? 'BUS_MISCONFIGURED' : 'BUS_EVICTED';
        this.#down(new BusError(code, `the hub hung up: ${decoded.reason}`));
        return;
      }
      case 'unreadable':
        this.#breach(decoded.reason);
        return;
      case 'hello':
        this.#breach('a hello, which only members say');
    }
  }

  #confirm(frame: Frame): void {
    const oldest = this.#unconfirmed.shift();
    if (oldest === undefined || oldest.frame !== frame) {
      this.#breach('a frame that we did not send, as our own');
      return;
    }
    this.#options.events.frame(frame);
    oldest.confirm();
  }

  #breach(what: string): void {
    this.#down(
      new BusError('BUS_EVICTED', `what answers as the hub does not speak as one: ${what}`),
    );
  }

  #startPulse(): void {
    const { heartbeatMs } = this.#options;
    this.#pulse?.stop();
    this.#pulse = new Pulse({
      intervalMs: heartbeatMs,
      beat: () => {
        this.#socket.write(BEAT);
      },
      onSilent: () => {
        const message = `nothing came from the hub for three heart-beats of ${heartbeatMs} ms (heartbeatMs)`;
        this.#down(new BusError('BUS_UNREACHABLE', message));
      },
    });
  }

  #down(cause: BusError): void {
    const onDown = this.#onDown;
    this.#onDown = nothing;
    this.#pulse?.stop();
    this.#socket.destroy();
    onDown(cause);
  }

  #release(): Promise<void> {
    this.#pulse?.stop();
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('close', () => {
        resolve();
      });
      this.#socket.destroy();
    });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function nothing(): void {}
