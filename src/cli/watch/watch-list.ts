import type { WatchedEvent } from './watched-event.ts';

/** Events that the list keeps; older ones are only counted. */
const KEPT = 500;

/** What has been seen: the newest events in full, all of them in figures. */
export class WatchList {
  #events: WatchedEvent[] = [];
  #filter = '';
  #paused: readonly WatchedEvent[] | undefined;
  #total = 0;
  /** Arrivals of the last second, in tenths. */
  readonly #tenths: number[] = Array.from({ length: 10 }, () => 0);

  add(event: WatchedEvent): void {
    this.#total += 1;
    this.#tenths[0] = (this.#tenths[0] ?? 0) + 1;
    this.#events.push(event);
    if (this.#events.length > 2 * KEPT) this.#events = this.#events.slice(-KEPT);
  }

  /** Called every tenth of a second. */
  tick(): void {
    this.#tenths.unshift(0);
    this.#tenths.length = 10;
  }

  get total(): number {
    return this.#total;
  }

  get perSecond(): number {
    return this.#tenths.reduce((sum, tenth) => sum + tenth, 0);
  }

  get paused(): boolean {
    return this.#paused !== undefined;
  }

  pause(): void {
    this.#paused = this.paused ? undefined : [...this.#events];
  }

  clear(): void {
    this.#events = [];
    if (this.paused) this.#paused = [];
  }

  get filter(): string {
    return this.#filter;
  }

  set filter(text: string) {
    this.#filter = text;
  }

  /** The newest `count` events that pass the filter, oldest first. */
  newest(count: number): readonly WatchedEvent[] {
    const events = this.#paused ?? this.#events;
    const passing =
      this.#filter === '' ? events : events.filter((event) => passes(event, this.#filter));
    return count <= 0 ? [] : passing.slice(-count);
  }
}

export function passes(event: WatchedEvent, filter: string): boolean {
  return [event.text, event.type, event.node ?? ''].some((part) => part.includes(filter));
}
