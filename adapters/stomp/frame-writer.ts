import type stompit from 'stompit';

import type { Headers } from './incoming-frame.ts';
import type { Packets } from './packets.ts';

interface Outgoing {
  readonly command: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Frames given to the library and not yet to the system; each costs the library a stream. */
const MAX_WRITING = 32;

/** Hands frames to the library, a few at a time, and what it makes of them to the system, in one piece. */
export class FrameWriter {
  readonly #client: InstanceType<typeof stompit.Client>;
  readonly #packets: Packets;
  readonly #waiting: Outgoing[] = [];
  /** Given to the library and not yet taken by the system. */
  #writing = 0;
  /** Of these, what the library is still at, and what it has written since the last packet left. */
  #inLibrary = 0;
  #written = 0;
  #over = false;

  constructor(client: InstanceType<typeof stompit.Client>, packets: Packets) {
    this.#client = client;
    this.#packets = packets;
  }

  write(command: string, headers: Headers, body: string): void {
    if (this.#over) return;
    this.#waiting.push({ command, headers, body });
    this.#pump();
  }

  stop(): void {
    this.#over = true;
    this.#waiting.length = 0;
  }

  #pump(): void {
    while (this.#writing < MAX_WRITING) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#writing += 1;
      this.#inLibrary += 1;
      const stream = this.#client.sendFrame(next.command, { ...next.headers });
      stream.end(next.body, () => {
        this.#inLibrary -= 1;
        this.#written += 1;
        if (this.#inLibrary === 0) this.#leave();
      });
    }
  }

  #leave(): void {
    const count = this.#written;
    this.#written = 0;
    this.#packets.leave(() => {
      this.#writing -= count;
      this.#pump();
    });
  }
}
