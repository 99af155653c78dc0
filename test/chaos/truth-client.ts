import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A node's line to the system of record; no fault touches it. */
export class TruthClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (version: number) => void>();
  #next = 1;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    createInterface({ input: this.#socket }).on('line', (line) => {
      const [id, version] = line.split(' ').map(Number);
      const resolve = this.#waiting.get(id ?? 0);
      this.#waiting.delete(id ?? 0);
      resolve?.(version ?? 0);
    });
  }

  read(key: string): Promise<number> {
    return this.#ask('r', key);
  }

  write(key: string): Promise<number> {
    return this.#ask('w', key);
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(verb: 'r' | 'w', key: string): Promise<number> {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(`${id} ${verb} ${key}\n`);
    });
  }
}
