import { BusError } from '../../src/index.ts';
import { ErrorFrame } from './stomp-errors.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: BusError) => void;
  readonly bytes: number;
}

/** What a frame costs while it waits, besides its body. */
const OVERHEAD_BYTES = 1_024;

/** The receipts that a session waits for, each under its number. */
export class Receipts {
  readonly #waiting = new Map<string, Waiter>();
  #next = 1;
  #bytes = 0;

  /** About how much memory the frames take that await their receipt. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A new number for the header `receipt`, and what becomes of it: it rejects with a `BusError`. */
  expect(body: string): { readonly id: string; readonly settled: Promise<void> } {
    const id = String(this.#next);
    this.#next += 1;
    const bytes = body.length + OVERHEAD_BYTES;
    this.#bytes += bytes;
    const settled = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, bytes });
    });
    return { id, settled };
  }

  arrived(id: string): void {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return;
    this.#waiting.delete(id);
    this.#bytes -= waiter.bytes;
    waiter.resolve();
  }

  /** The session is over: the frame that an ERROR names was refused, and of the others nobody knows. */
  settleAll(error?: unknown): void {
    for (const [id, { reject }] of this.#waiting) {
      const refused = error instanceof ErrorFrame && error.receiptId === id;
      reject(refused ? rejected(error) : unconfirmed());
    }
    this.#waiting.clear();
    this.#bytes = 0;
  }
}

function rejected(cause: ErrorFrame): BusError {
  return new BusError('BUS_REJECTED', `the broker refused the frame: ${cause.message}`, { cause });
}

function unconfirmed(): BusError {
  const message = 'the connection ended before the broker confirmed the frame';
  return new BusError('BUS_UNCONFIRMED', message);
}
