import type { BusReceiver } from '../../src/index.ts';

/** How long a test waits for what must come. */
const PATIENCE_MS = 30_000;

/** What a member has heard, one line each, and a way to wait for more. */
export class Heard {
  readonly lines: string[] = [];
  readonly #waiting = new Set<() => void>();

  readonly receiver: BusReceiver = {
    onFrame: (frame) => {
      this.add(frame);
    },
    onForeign: (message) => {
      this.add(`foreign ${message.id} ${message.text}`);
    },
    onContinuity: (event) => {
      this.add(`${event.type} ${event.type === 'resumed' ? event.loss : event.cause.code}`);
    },
  };

  add(line: string): void {
    this.lines.push(line);
    for (const look of this.#waiting) look();
  }

  /** Resolves once the lines are as wanted; how long that took, in ms. */
  until(wanted: string | ((lines: readonly string[]) => boolean)): Promise<number> {
    const isThere = (): boolean =>
      typeof wanted === 'string' ? this.lines.includes(wanted) : wanted(this.lines);
    const begun = performance.now();
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isThere()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(performance.now() - begun);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const last = this.lines.slice(-20).join(', ');
        reject(new Error(`waited in vain for ${String(wanted)}; heard last: ${last}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }
}
