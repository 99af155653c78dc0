import type { Socket } from 'node:net';

import stompit from 'stompit';

import { BusError } from '../../src/index.ts';
import { dial } from './dial.ts';
import { FrameWriter } from './frame-writer.ts';
import { Packets } from './packets.ts';
import { readBody } from './read-body.ts';
import { SilenceWatch } from './silence-watch.ts';
import {
  connectedHeaders,
  disarm,
  type Headers,
  type Incoming,
  incoming,
} from './incoming-frame.ts';
import { Receipts } from './receipts.ts';
import { ErrorFrame } from './stomp-errors.ts';
import type { Endpoint, StompSettings } from './stomp-options.ts';

export interface StompMessage {
  readonly headers: Headers;
  /** The body, cut off behind `MAX_MESSAGE_BYTES`. */
  readonly bytes: Buffer;
  /** How long the body really was. */
  readonly total: number;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly settings: StompSettings;
  readonly onMessage: (message: StompMessage) => void;
  /** Called once, for whatever ends the session but `leave` and `cut`. */
  readonly onDown: (error: unknown) => void;
}

/** Longer messages are read to their end and dropped: a frame has at most as much. */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** Room for the properties of a Java program; the library's own limits (1,024 and 64) would end the connection. */
const LIMITS = { maxLineLength: 262_144, maxHeaders: 1_000 };
const MAX_ERROR_BYTES = 4_096;
/** How long the body of an ERROR frame may take, in ms; the connection is over in any case. */
const ERROR_BODY_MS = 1_000;
/** How long the broker may take to say goodbye, in ms. */
const FAREWELL_MS = 1_000;
/** The library is to look for silence no more: `SilenceWatch` does, and forgives a pause of this process. */
const NEVER_MS = 2 ** 30;

/** One STOMP 1.2 connection: receipts, heart-beats both ways, and an end that is told once. */
export class StompSession {
  /** What the broker calls itself and this session. */
  server = '';
  id = '';
  readonly #options: SessionOptions;
  readonly #socket: Socket;
  readonly #client: InstanceType<typeof stompit.Client>;
  readonly #receipts = new Receipts();
  readonly #writer: FrameWriter;
  readonly #connected: Promise<void>;
  #settleConnected: (error?: unknown) => void = () => undefined;
  #silence: SilenceWatch | undefined;
  #leaving = false;
  #over = false;

  /** Connects at once; see `connected`. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.#connected = new Promise((resolve, reject) => {
      this.#settleConnected = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    this.#connected.catch(() => undefined);
    const { heartbeatMs } = options.settings;
    this.#socket = dial(options.endpoint, options.settings, () => {
      this.#sayConnect();
    });
    const packets = new Packets(this.#socket);
    this.#client = new stompit.Client(this.#socket, {
      outgoingFrameStream: new stompit.OutgoingFrameStream(packets),
      heartbeat: [heartbeatMs, heartbeatMs],
      heartbeatDelayMargin: NEVER_MS,
      // Early rather than late: ActiveMQ forgives nothing by default.
      heartbeatOutputMargin: Math.floor(heartbeatMs / 5),
      ...LIMITS,
    });
    this.#writer = new FrameWriter(this.#client, packets);
    const closed = (): void => {
      this.#fail(new Error('the broker closed the connection'));
    };
    this.#client.on('error', (error) => {
      this.#fail(error);
    });
    this.#client.on('end', closed);
    this.#socket.on('close', closed);
    this.#client.on('connect', () => {
      this.#begin();
    });
  }

  /**
   * Resolves once the broker has accepted the credentials.
   * @throws what went wrong
   */
  async connected(): Promise<void> {
    const { connectTimeoutMs } = this.#options.settings;
    const timer = setTimeout(() => {
      this.#fail(new Error(`no answer within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    try {
      await this.#connected;
    } finally {
      clearTimeout(timer);
    }
  }

  /** About how much memory the frames take that await their receipt. */
  get unconfirmedBytes(): number {
    return this.#receipts.bytes;
  }

  /** Sends a frame and resolves with its receipt; rejects with a `BusError`. */
  request(command: string, headers: Headers, body = ''): Promise<void> {
    const { id, settled } = this.#receipts.expect(body);
    if (this.#over) this.#receipts.settleAll();
    else this.post(command, { ...headers, receipt: id }, body);
    return settled;
  }

  /** Sends a frame. */
  post(command: string, headers: Headers, body = ''): void {
    this.#writer.write(command, headers, body);
  }

  /** Says goodbye, in bounded time. */
  async leave(): Promise<void> {
    if (this.#over) return;
    this.#leaving = true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FAREWELL_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.request('DISCONNECT', {}).then(done, done);
    });
    this.cut();
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.#leaving = true;
    this.#fail(new Error('cut'));
  }

  #sayConnect(): void {
    const { vhost, username, password } = this.#options.settings;
    this.#client.connect({
      'accept-version': '1.2',
      host: escaped(vhost),
      login: escaped(username),
      passcode: escaped(password),
    });
    // The library's own handler destroys the frame instead of the connection: nobody would hear of it.
    this.#client.setCommandHandler('ERROR', (frame) => {
      this.#onError(incoming(frame));
    });
  }

  /** From here on we handle what comes ourselves: the library looks subscriptions and receipts up in plain objects. */
  #begin(): void {
    disarm(this.#client);
    this.#client.setCommandHandlers({
      MESSAGE: (frame) => {
        this.#onMessage(incoming(frame));
      },
      RECEIPT: (frame) => {
        this.#onReceipt(incoming(frame));
      },
      ERROR: (frame) => {
        this.#onError(incoming(frame));
      },
    });
    const {
      version,
      server = '',
      session = '',
      'heart-beat': beats,
    } = connectedHeaders(this.#client);
    if (version !== '1.2') {
      const message = `the broker speaks STOMP ${version ?? '1.0'}, this bus needs 1.2`;
      this.#fail(new BusError('BUS_MISCONFIGURED', message));
      return;
    }
    this.server = server;
    this.id = session;
    this.#watchSilence(Number.parseInt(beats ?? '0', 10));
    this.#settleConnected();
  }

  #watchSilence(offeredMs: number): void {
    // What it has not promised cannot be missed.
    if (!(offeredMs > 0)) return;
    const afterMs = 2 * Math.max(offeredMs, this.#options.settings.heartbeatMs);
    this.#silence = new SilenceWatch({
      afterMs,
      bytesRead: () => this.#socket.bytesRead,
      onSilence: () => {
        this.#fail(new Error(`nothing heard from the broker for ${afterMs} ms`));
      },
    });
  }

  #onMessage({ frame, headers }: Incoming): void {
    readBody(frame, MAX_MESSAGE_BYTES, ({ bytes, total }) => {
      if (!this.#over) this.#options.onMessage({ headers, bytes, total });
    });
  }

  #onReceipt({ frame, headers }: Incoming): void {
    frame.resume();
    this.#receipts.arrived(headers['receipt-id'] ?? '');
  }

  #onError({ frame, headers }: Incoming): void {
    const summary = headers['message'] ?? 'ERROR';
    const end = (details: string): void => {
      clearTimeout(timer);
      const text = details === '' || details === summary ? summary : `${summary}: ${details}`;
      this.#fail(new ErrorFrame(text, headers['receipt-id']));
    };
    const timer = setTimeout(end, ERROR_BODY_MS, '');
    readBody(frame, MAX_ERROR_BYTES, ({ bytes }) => {
      end(bytes.toString('utf8').trim());
    });
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#silence?.stop();
    this.#writer.stop();
    this.#settleConnected(error);
    this.#receipts.settleAll(error);
    this.#socket.destroy();
    if (!this.#leaving) this.#options.onDown(error);
  }
}

/** STOMP 1.2 exempts CONNECT from escaping; ActiveMQ and RabbitMQ undo it there all the same. */
function escaped(credential: string): string {
  return credential.replaceAll('\\', '\\\\');
}
