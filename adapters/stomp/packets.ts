import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * Where the library writes to, in place of the socket. It writes a frame in three pieces and each only when the one
 * before it is written: here that is at once, so that the pieces leave together, as one packet or one TLS record.
 * (Its types ask for a `Duplex`; it reads from the socket itself.)
 */
export class Packets extends Duplex {
  readonly #socket: Socket;
  #pieces: string[] = [];
  #due: NodeJS.Immediate | undefined;

  constructor(socket: Socket) {
    super({ decodeStrings: false });
    this.#socket = socket;
  }

  override _write(piece: string | Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece.toString());
    // For what nobody leaves: a heart-beat.
    this.#due ??= setImmediate(() => {
      this.leave();
    });
    done();
  }

  override _read(): void {
    // There is nothing to be read here.
  }

  /** Hands what was collected to the system; `done` is called when it has taken it, or never will. */
  leave(done?: () => void): void {
    clearImmediate(this.#due);
    this.#due = undefined;
    const packet = this.#pieces.join('');
    this.#pieces = [];
    this.#socket.write(packet, done);
  }
}
