import { randomBytes } from 'node:crypto';
import diagnosticsChannel from 'node:diagnostics_channel';
import { createServer, type Server, type Socket } from 'node:net';

import type { Frame } from '../../src/index.ts';
import { HubConnection } from './hub-connection.ts';
import type { MeetingPlace } from './meeting-place.ts';
import { encodeRecord } from './record.ts';

/**
 * Hears of everything that a hub refuses: `{ place, reason, refused }`, the last being the count so far.
 * Subscribe with `node:diagnostics_channel`.
 */
const refusals = diagnosticsChannel.channel('unstale:ipc:refused');

/** How many programs may be connected at once; one more is hung up on. */
const MAX_CONNECTIONS = 1_024;
/** How often the hub makes sure that others can still find it, in ms. */
const STANDS_INTERVAL_MS = 1_000;
/** How long a closing hub lets its members read what it has accepted, in ms. */
const FAREWELL_MS = 200;

/** The one that gives all frames of a channel their order. Its own process attaches to it as every other does. */
export class Hub {
  readonly #place: MeetingPlace;
  readonly #onEnd: () => void;
  readonly #server: Server;
  readonly #connections = new Set<HubConnection>();
  /** Tells foreign messages of this hub from those of the one before it. */
  readonly #nonce = randomBytes(6).toString('hex');
  #address = '';
  #foreign = 0;
  #refused = 0;
  #stopStandsTimer: () => void = () => undefined;
  #closed: Promise<void> | undefined;

  private constructor(place: MeetingPlace, onEnd: () => void) {
    this.#place = place;
    this.#onEnd = onEnd;
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Becomes the hub of the place, or finds that somebody else was faster. `onEnd` is called when nothing of it is left, whatever ended it. */
  static async claim(place: MeetingPlace, onEnd: () => void): Promise<Hub | undefined> {
    const hub = new Hub(place, onEnd);
    const address = await place
      .claim((path) => hub.#listen(path))
      .catch((error: unknown) => {
        hub.#server.close();
        throw error;
      });
    if (address === undefined) {
      hub.#server.close();
      return undefined;
    }
    hub.#govern(address);
    return hub;
  }

  /** Ends the hub: its members have read what it accepted, or had time to, and its address is gone. */
  close(): Promise<void> {
    this.#closed ??= this.#shut();
    return this.#closed;
  }

  #listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ path, backlog: MAX_CONNECTIONS }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #govern(address: string): void {
    this.#address = address;
    this.#server.on('error', () => void this.close());
    const timer = setInterval(() => void this.#checkThatItStands(), STANDS_INTERVAL_MS);
    this.#stopStandsTimer = () => {
      clearInterval(timer);
    };
  }

  /** If our address was removed, newcomers make a hub of their own; then our members must go there too. */
  async #checkThatItStands(): Promise<void> {
    if (!(await this.#place.stands(this.#address))) await this.close();
  }

  #accept(socket: Socket): void {
    const connection: HubConnection = new HubConnection(socket, {
      onFrame: (frame) => {
        this.#broadcastFrame(connection, frame);
      },
      onForeign: (text) => {
        this.#broadcastForeign(text);
      },
      onRefused: (reason) => {
        this.#refused += 1;
        refusals.publish({ place: this.#place.key, reason, refused: this.#refused });
      },
      onGone: () => {
        this.#connections.delete(connection);
      },
    });
    this.#connections.add(connection);
  }

  #broadcastFrame(publisher: HubConnection, frame: Frame): void {
    if (this.#closed !== undefined) return;
    const line = Buffer.from(encodeRecord({ type: 'frame', frame }));
    const own = Buffer.from(encodeRecord({ type: 'own', frame }));
    for (const connection of this.#connections) {
      connection.tell(connection === publisher ? own : line);
    }
  }

  #broadcastForeign(text: string): void {
    if (this.#closed !== undefined) return;
    this.#foreign += 1;
    const message = { text, id: `${this.#nonce}-${this.#foreign}` };
    const line = Buffer.from(encodeRecord({ type: 'foreign', message }));
    for (const connection of this.#connections) connection.tell(line);
  }

  async #shut(): Promise<void> {
    this.#stopStandsTimer();
    const serverClosed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const connection of this.#connections) connection.end();
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, FAREWELL_MS);
    // The server is closed once its last connection is.
    await serverClosed;
    clearTimeout(timer);
    await this.#place.forget(this.#address);
    this.#onEnd();
  }
}
