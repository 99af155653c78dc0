import type { Terminal } from '../terminal.ts';
import { eventLine } from './event-line.ts';
import type { WatchedEvent } from './watched-event.ts';

/** Lines that wait for a slow reader; more are counted and left out. */
const MAX_WAITING_LINES = 10_000;

/** A line per event, for pipes. A reader that is too slow is told how much it did not see. */
export class EventPrinter {
  readonly #out: Terminal;
  readonly #json: boolean;
  #waiting: string[] = [];
  #leftOut = 0;
  #writing = false;

  constructor(out: Terminal, options: { readonly json: boolean }) {
    this.#out = out;
    this.#json = options.json;
  }

  print(event: WatchedEvent): void {
    if (this.#waiting.length >= MAX_WAITING_LINES) {
      this.#leftOut += 1;
      return;
    }
    const style = this.#out.styled.bind(this.#out);
    this.#waiting.push(this.#json ? JSON.stringify(event) : eventLine(event, style));
    this.#flush();
  }

  #flush(): void {
    if (this.#writing || this.#waiting.length === 0) return;
    this.#writing = true;
    const lines = this.#waiting;
    this.#waiting = [];
    if (this.#leftOut > 0) {
      const count = this.#leftOut;
      lines.push(
        this.#json ? JSON.stringify({ type: 'left-out', count }) : `… ${count} events not shown`,
      );
      this.#leftOut = 0;
    }
    process.stdout.write(`${lines.join('\n')}\n`, () => {
      this.#writing = false;
      this.#flush();
    });
  }
}
