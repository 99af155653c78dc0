import type { Batch } from './batch.ts';
import { LIMITS } from './limits.ts';

/**
 * Batches on their way to the broker: those that go out again, those that gather, and those in flight.
 * In the order of their numbers; those whose bytes are fixed come first.
 */
export class SendQueue {
  /** Frames that the broker may not have accepted. */
  #again: Batch[] = [];
  #open: Batch[] = [];
  readonly #inFlight = new Set<Batch>();
  readonly #window: number;

  /** `window`: how many may be in flight. */
  constructor(window: number) {
    this.#window = window;
  }

  get unsent(): number {
    return this.#again.length + this.#open.length + this.#inFlight.size;
  }

  /** Batches without a frame. */
  get open(): number {
    return this.#open.length;
  }

  get lowestOpen(): Batch | undefined {
    return this.#open[0];
  }

  /** The batch that takes what comes next, if one gathers. */
  get lastOpen(): Batch | undefined {
    const last = this.#open.at(-1);
    return last?.gathers === true ? last : undefined;
  }

  gathering(): Batch[] {
    return this.#open.filter((batch) => batch.gathers);
  }

  put(batch: Batch): void {
    insert(this.#open, batch);
  }

  /** The next one to send now, if any: at once while nothing is in flight, else full ones, or when a slot was freed. */
  take(slotFreed: boolean, maxBytes: number): Batch | undefined {
    if (this.#inFlight.size >= this.#window) return undefined;
    const [head, second] = this.#open;
    const full =
      (head?.size ?? 0) >= LIMITS.batchKeys ||
      (second !== undefined && head?.canAbsorb(second, maxBytes) === false);
    const ready = this.#again.length > 0 || full || slotFreed || this.#inFlight.size === 0;
    const batch = ready ? (this.#again.shift() ?? this.#open.shift()) : undefined;
    if (batch !== undefined) this.#inFlight.add(batch);
    return batch;
  }

  /** Takes out, one after the other, what `batch` may take over. */
  *absorbable(batch: Batch, maxBytes: number): Iterable<Batch> {
    for (let [next] = this.#open; next !== undefined; [next] = this.#open) {
      if (!batch.canAbsorb(next, maxBytes)) return;
      this.#open.shift();
      yield next;
    }
  }

  settled(batch: Batch): void {
    this.#inFlight.delete(batch);
  }

  again(batch: Batch): void {
    if (this.#inFlight.delete(batch)) insert(this.#again, batch);
  }

  /** Everything is flushed: runs of consecutive numbers become one batch each, whatever they asked for. */
  compact(): void {
    const compacted: Batch[] = [];
    for (const batch of this.#open) {
      const last = compacted.at(-1);
      const joins = last?.gathers === true && batch.gathers && last.high + 1 === batch.low;
      if (joins) last.absorb(batch);
      else compacted.push(batch);
    }
    this.#open = compacted;
  }

  /** Empties it: all that the broker has not accepted, in order. */
  drain(): Batch[] {
    const all = [...this.#inFlight, ...this.#again, ...this.#open];
    this.#inFlight.clear();
    this.#again = [];
    this.#open = [];
    return all;
  }
}

/** Keeps the order of the numbers; nearly always it is the last one. */
function insert(batches: Batch[], batch: Batch): void {
  let index = batches.length;
  while (index > 0 && (batches[index - 1]?.low ?? 0) > batch.low) index -= 1;
  batches.splice(index, 0, batch);
}
