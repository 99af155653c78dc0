import { BusError } from '../../src/index.ts';
import { ErrorFrame } from './stomp-errors.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: BusError) => void;
}

/** The receipts that a session waits for, each under its number. */
export class Receipts {
  readonly #waiting = new Map<string, Waiter>();
  #next = 1;

  /** A new number for the header `receipt`, and what becomes of it: it rejects with a `BusError`. */
  expect(): { readonly id: string; readonly settled: Promise<void> } {
    const id = String(this.#next);
    this.#next += 1;
    const settled = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    return { id, settled };
  }

  arrived(id: string): void {
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }

  /** The session is over: the frame that an ERROR names was refused, and of the others nobody knows. */
  settleAll(error?: unknown): void {
    for (const [id, { reject }] of this.#waiting) {
      const refused = error instanceof ErrorFrame && error.receiptId === id;
      reject(refused ? rejected(error) : unconfirmed());
    }
    this.#waiting.clear();
  }
}

function rejected(cause: ErrorFrame): BusError {
  return new BusError('BUS_REJECTED', `the broker refused the frame: ${cause.message}`, { cause });
}

function unconfirmed(): BusError {
  const message = 'the connection ended before the broker confirmed the frame';
  return new BusError('BUS_UNCONFIRMED', message);
}
