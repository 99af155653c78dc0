import type { Socket } from 'node:net';

import type stompit from 'stompit';

import type { Headers } from './incoming-frame.ts';

interface Outgoing {
  readonly command: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Frames given to the library and not yet to the system; each costs the library a stream. */
const MAX_WRITING = 32;

/** Hands frames to the library, a few at a time. */
export class FrameWriter {
  readonly #client: InstanceType<typeof stompit.Client>;
  readonly #socket: Socket;
  readonly #waiting: Outgoing[] = [];
  #writing = 0;
  #over = false;

  constructor(client: InstanceType<typeof stompit.Client>, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
  }

  write(command: string, headers: Headers, body: string): void {
    if (this.#over) return;
    this.#waiting.push({ command, headers, body });
    this.#pump();
  }

  /** The library writes a frame in three pieces; held back to the end of the turn, they leave as one packet or one TLS record. */
  holdBack(): void {
    this.#socket.cork();
    process.nextTick(() => {
      this.#socket.uncork();
    });
  }

  stop(): void {
    this.#over = true;
    this.#waiting.length = 0;
  }

  #pump(): void {
    this.holdBack();
    while (this.#writing < MAX_WRITING) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#writing += 1;
      const stream = this.#client.sendFrame(next.command, { ...next.headers });
      stream.end(next.body, () => {
        this.#writing -= 1;
        this.#pump();
      });
    }
  }
}
