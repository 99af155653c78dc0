import type { Batch } from './batch.ts';
import { encode } from './codec.ts';
import type { SendOutcome, Wait } from './input.ts';
import type { Host } from './host.ts';
import { LIMITS } from './limits.ts';
import type { NegativeAck, Origin } from './message.ts';
import { Outbox } from './outbox.ts';
import { ResendRing, union } from './resend-ring.ts';
import type { Selection } from './selection.ts';
import { TIMES } from './settings.ts';

interface Guard {
  seq: number;
  selection: Selection;
  readonly startedAtMs: number;
  alarmed: boolean;
  /** Published ahead of its end (`onGuardTimeout: 'release'`). */
  released: boolean;
}

/** Repairs that may be sent in one second before the answers are summaries (NACK-3). */
const REPAIRS_PER_SECOND = 20;

/** How often a frame is offered to a broker that refuses it. */
const MAX_REJECTIONS = 5;

/** The wait after a frame was not accepted although the bus is open; doubled each time. */
const RETRY_BASE_MS = 100;
const RETRY_CAP_MS = 5_000;

/** What this node publishes: numbering, guarded writes, sending, and answering requests for repair. */
export class Publisher {
  readonly #host: Host;
  readonly #origin: Origin;
  readonly #outbox: Outbox;
  readonly #ring: ResendRing;
  readonly #guards = new Map<number, Guard>();
  /** Frames handed to the bus that it has not settled yet. */
  readonly #sending = new Map<number, Batch>();
  /** Numbers whose acceptance a call still waits for. */
  readonly #calls = new Map<number, Set<number>>();
  readonly #answered = new Map<string, number>();
  #repairWindow = { startMs: Number.NEGATIVE_INFINITY, sent: 0 };
  #failures = 0;
  #pausedUntilMs: number = Number.NEGATIVE_INFINITY;
  /** When this node last published, on the monotonic clock: tail beats follow it (PUB-5). */
  publishedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(host: Host, origin: Origin, firstSeq = 0) {
    this.#host = host;
    this.#origin = origin;
    const { cluster, maxFrameBytes, repairBatches } = host.settings;
    this.#ring = new ResendRing(repairBatches);
    this.#outbox = new Outbox({ cluster, origin, maxFrameBytes, firstSeq });
  }

  get seq(): number {
    return this.#outbox.seq;
  }

  get held(): number | undefined {
    return this.#outbox.held;
  }

  /** Batches that the broker has not accepted yet. */
  get unsent(): number {
    return this.#outbox.unsent;
  }

  /** Calls that will be settled by the broker's answer. */
  get openCalls(): Iterable<number> {
    return this.#calls.keys();
  }

  /** Numbers a selection and sends it as soon as group commit allows; returns its highest number. */
  publish(call: number, selection: Selection, wait: Wait): number {
    const batches = this.#outbox.add(selection, { ackWanted: wait.for !== 'bus' });
    return this.#track(call, batches, wait);
  }

  adopt(selection: Selection, via: string): void {
    this.#outbox.adopt(selection, via);
    this.#host.counters.adopted += 1;
    this.pump();
  }

  reserve(guard: number, selection: Selection): void {
    const seq = this.#host.settings.protections.reserveBeforeWrite ? this.#outbox.reserve() : 0;
    const startedAtMs = this.#host.now.monoMs;
    this.#guards.set(guard, { seq, selection, startedAtMs, alarmed: false, released: false });
  }

  /** Publishes what the guarded write has changed, under its reserved number; returns the highest number. */
  release(guardId: number, call: number, selection: Selection, wait: Wait): number {
    const guard = this.#guards.get(guardId);
    this.#guards.delete(guardId);
    if (guard === undefined || guard.released || guard.seq === 0) {
      return this.publish(call, selection, wait);
    }
    const ackWanted = wait.for !== 'bus';
    const batch = this.#outbox.publishReserved(guard.seq, selection, ackWanted);
    return this.#track(call, new Set([batch]), wait);
  }

  /** When to call `tick` next. */
  get dueAtMs(): number {
    let due =
      this.#host.busOpen && this.unsent > 0 ? this.#pausedUntilMs : Number.POSITIVE_INFINITY;
    if (due === Number.NEGATIVE_INFINITY) due = Number.POSITIVE_INFINITY;
    for (const guard of this.#guards.values()) {
      if (!guard.alarmed) due = Math.min(due, guard.startedAtMs + this.#host.settings.guardMaxMs);
    }
    return due;
  }

  /** Sends what had to wait, and raises the alarm for guarded writes that take long (PUB-7). */
  tick(): void {
    const { guardMaxMs, onGuardTimeout } = this.#host.settings;
    const { monoMs } = this.#host.now;
    for (const [id, guard] of this.#guards) {
      const sinceMs = monoMs - guard.startedAtMs;
      if (guard.alarmed || sinceMs < guardMaxMs) continue;
      guard.alarmed = true;
      this.#host.emit({ type: 'report', report: { type: 'guard-slow', guard: id, sinceMs } });
      if (onGuardTimeout === 'release' && guard.seq > 0) {
        guard.released = true;
        this.#outbox.publishReserved(guard.seq, guard.selection, false);
      }
    }
    this.pump();
  }

  /** The bus has settled frame `id`. */
  sent(id: number, outcome: SendOutcome): void {
    const batch = this.#sending.get(id);
    if (batch === undefined) return;
    this.#sending.delete(id);
    if (outcome === 'accepted') {
      this.#failures = 0;
      this.#pausedUntilMs = Number.NEGATIVE_INFINITY;
      this.#outbox.confirmed(batch);
      this.#accept(batch);
      this.pump(true);
      return;
    }
    for (const call of batch.calls) this.#settle(call, 'local');
    if (outcome === 'rejected') batch.rejections += 1;
    // A frame that the broker will not take is left to repair: it must not stand in the way of the others.
    if (batch.rejections >= MAX_REJECTIONS) this.#outbox.confirmed(batch);
    else this.#outbox.unconfirmed(batch);
    const waitMs = Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#pausedUntilMs = this.#host.now.monoMs + waitMs;
  }

  /** The bus is open again: what waits goes out without delay. */
  resume(): void {
    this.#failures = 0;
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY;
    this.pump();
  }

  /** Nothing can be accepted for now: callers learn at once that it is applied here only. */
  interrupted(): void {
    for (const call of this.#calls.keys()) this.#settle(call, 'local');
  }

  /** Sends what should go out now. */
  pump(slotFreed = false): void {
    if (!this.#host.busOpen || this.#host.now.monoMs < this.#pausedUntilMs) return;
    const { wallMs, monoMs } = this.#host.now;
    for (let freed = slotFreed; ; freed = false) {
      const outgoing = this.#outbox.next({ slotFreed: freed, wallMs });
      if (outgoing === undefined) return;
      const { batch, frame, summary } = outgoing;
      if (!batch.keptForRepair) {
        batch.keptForRepair = true;
        this.#ring.add([batch.low, batch.high], batch.selection(), Math.max(1, batch.bytes));
        this.#host.counters.published += batch.high - batch.low + 1;
      }
      this.publishedAtMs = monoMs;
      const name = batch.low === batch.high ? { name: `inv ${batch.low}` } : {};
      this.#sending.set(this.#host.send(frame, { summary, ...name }), batch);
    }
  }

  /** Answers a request for repair with the union of what is missing, once per range and hold time (NACK-3). */
  answer(nack: NegativeAck): void {
    const { monoMs } = this.#host.now;
    for (const [range, heldUntil] of this.#answered) {
      if (heldUntil <= monoMs) this.#answered.delete(range);
    }
    const held = this.#outbox.held ?? this.#outbox.seq + 1;
    for (const [low, top] of nack.ranges) {
      const high = Math.min(top, this.#outbox.seq);
      const name = `${low}-${high}`;
      if (high < low || this.#answered.has(name)) continue;
      if (this.#answered.size < LIMITS.ringBatches) {
        this.#answered.set(name, monoMs + TIMES.repairHold);
      }
      const maxBytes = this.#host.settings.maxFrameBytes - 420;
      const bounds = { maxNames: LIMITS.batchKeys, maxBytes };
      for (const piece of this.#ring.collect([low, high], held, bounds)) {
        this.#repair(piece.range, piece.selection, held);
      }
    }
  }

  /** What others do not have yet, for a new incarnation to publish again (ID-2). */
  abandon(): { unsent: Selection; guards: ReadonlyMap<number, Selection> } {
    this.interrupted();
    let unsent: Selection = {};
    for (const batch of this.#outbox.drain()) unsent = union(unsent, batch.selection());
    const guards = new Map([...this.#guards].map(([id, guard]) => [id, guard.selection]));
    return { unsent, guards };
  }

  #track(call: number, batches: ReadonlySet<Batch>, wait: Wait): number {
    let highest = 0;
    const waiting = new Set<number>();
    for (const batch of batches) {
      highest = Math.max(highest, batch.low);
      waiting.add(batch.low);
      if (wait.for === 'bus') batch.calls.add(call);
    }
    if (wait.for === 'bus') {
      this.#calls.set(call, waiting);
      if (waiting.size === 0) this.#settle(call, 'bus');
      else if (!this.#host.busOpen || this.#calls.size > LIMITS.waiters)
        this.#settle(call, 'local');
    }
    this.pump();
    return highest;
  }

  #accept(batch: Batch): void {
    for (const call of batch.calls) {
      const waiting = this.#calls.get(call);
      if (waiting === undefined) continue;
      for (const seq of waiting) if (batch.low <= seq && seq <= batch.high) waiting.delete(seq);
      if (waiting.size === 0) this.#settle(call, 'bus');
    }
    batch.calls.clear();
  }

  #settle(call: number, by: 'bus' | 'local'): void {
    if (!this.#calls.delete(call)) return;
    this.#host.emit({ type: 'settle', call, result: { by, acked: [], missing: [] } });
  }

  #repair(range: readonly [number, number], selection: Selection, held: number): void {
    const { monoMs } = this.#host.now;
    if (monoMs - this.#repairWindow.startMs >= 1_000) {
      this.#repairWindow = { startMs: monoMs, sent: 0 };
    }
    // The last answer of a second covers everything that was published; what is asked beyond it waits for a repeat.
    if (this.#repairWindow.sent >= REPAIRS_PER_SECOND) return;
    this.#repairWindow.sent += 1;
    // It must not cover a number that is held back: that one is still to come.
    const summary = this.#repairWindow.sent === REPAIRS_PER_SECOND && range[1] < held;
    const { cluster } = this.#host.settings;
    const frame = encode(cluster, {
      type: 'rep',
      origin: this.#origin,
      range: summary ? [1, held - 1] : range,
      seq: this.#outbox.seq,
      selection: summary ? { all: true } : selection,
    });
    this.#host.counters.repairsSent += 1;
    this.#host.send(frame);
  }
}
