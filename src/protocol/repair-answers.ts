import type { Batch } from './batch.ts';
import { encode } from './codec.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { NegativeAck, Origin, Range } from './message.ts';
import type { Outbox } from './outbox.ts';
import { ResendRing, type Piece } from './resend-ring.ts';
import { TIMES } from './settings.ts';

/** Repairs that may be sent in one second; the last of them is a summary (NACK-3). */
const REPAIRS_PER_SECOND = 20;

/** Ranges whose repair is held at one time. */
const MAX_ANSWERED = 256;

/** Answers requests for what this node has published. */
export class RepairAnswers {
  readonly #host: Host;
  readonly #origin: Origin;
  readonly #outbox: Outbox;
  readonly #ring: ResendRing;
  /** Ranges that were repaired a moment ago. */
  #answered: { readonly range: Range; readonly untilMs: number }[] = [];
  #second = { startMs: Number.NEGATIVE_INFINITY, sent: 0 };

  constructor(host: Host, origin: Origin, outbox: Outbox, maxBatches?: number) {
    this.#host = host;
    this.#origin = origin;
    this.#outbox = outbox;
    this.#ring = new ResendRing({ firstSeq: outbox.seq, maxBatches });
  }

  /** Keeps what goes out for the first time. */
  keep(batch: Batch): void {
    if (batch.keptForRepair) return;
    batch.keptForRepair = true;
    const { low, high, ackWanted } = batch;
    const bytes = Math.max(1, batch.bytes);
    this.#ring.add({ range: [low, high], selection: batch.selection(), bytes, ackWanted });
    this.#host.counters.published += batch.high - batch.low + 1;
  }

  /** Repeats the union of what is missing, once per range and hold time (NACK-3). */
  answer(nack: NegativeAck): void {
    const { monoMs } = this.#host.now;
    this.#answered = this.#answered.filter(({ untilMs }) => untilMs > monoMs);
    const held = this.#outbox.held ?? this.#outbox.seq + 1;
    const bounds = { maxNames: LIMITS.batchKeys, maxBytes: this.#outbox.maxBytes };
    for (const [low, top] of nack.ranges) {
      const high = Math.min(top, this.#outbox.seq);
      if (high < low || this.#isAnswered([low, high]) || !this.#mayRepair()) continue;
      if (this.#answered.length < MAX_ANSWERED) {
        this.#answered.push({ range: [low, high], untilMs: monoMs + TIMES.repairHold });
      }
      for (const piece of this.#ring.collect([low, high], held, bounds)) {
        if (!this.#mayRepair()) return;
        this.#repair(piece, held);
      }
    }
  }

  #isAnswered([low, high]: Range): boolean {
    return this.#answered.some(({ range }) => range[0] <= low && high <= range[1]);
  }

  #mayRepair(): boolean {
    const { monoMs } = this.#host.now;
    const over = monoMs - this.#second.startMs >= 1_000 || monoMs < this.#second.startMs;
    if (over) this.#second = { startMs: monoMs, sent: 0 };
    return this.#second.sent < REPAIRS_PER_SECOND;
  }

  #repair({ range, selection, ackWanted }: Piece, held: number): void {
    this.#second.sent += 1;
    // The last one of a second covers all that was published, but never a number that is still to come.
    const summary = this.#second.sent === REPAIRS_PER_SECOND && range[1] < held;
    this.#host.counters.repairsSent += 1;
    this.#host.send(
      encode(this.#host.settings.cluster, {
        type: 'rep',
        origin: this.#origin,
        range: summary ? [1, held - 1] : range,
        seq: this.#outbox.seq,
        ...(held > this.#outbox.seq ? {} : { held }),
        selection: summary ? { all: true } : selection,
        ackWanted,
      }),
    );
  }
}
