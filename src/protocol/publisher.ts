import type { Batch } from './batch.ts';
import type { Call } from './call.ts';
import { Guards } from './guards.ts';
import type { Host } from './host.ts';
import type { SendOutcome, Wait } from './input.ts';
import { LIMITS } from './limits.ts';
import type { NegativeAck, Origin } from './message.ts';
import { Outbox } from './outbox.ts';
import { RepairAnswers } from './repair-answers.ts';
import type { Selection } from './selection.ts';
import { isTraceparent } from './wire-reader.ts';

/** How often a frame is offered to a broker that refuses it. */
const MAX_REJECTIONS = 5;

/** The wait after a frame was not accepted although the bus is open; doubled each time. */
const RETRY_BASE_MS = 100;
const RETRY_CAP_MS = 5_000;

/** Who calls, as far as it matters: a W3C `traceparent`, and how many wait together. */
interface CalledBy {
  readonly traceparent?: string | undefined;
  readonly callers?: number;
}

/** What this node publishes: numbering, guarded writes, sending, and answering requests for repair. */
export class Publisher {
  readonly #host: Host;
  readonly #outbox: Outbox;
  readonly #answers: RepairAnswers;
  readonly #guards: Guards;
  /** Frames handed to the bus that it has not settled yet. */
  readonly #sending = new Map<number, Batch>();
  readonly #calls = new Map<number, Call>();
  /** How many wait for them. */
  #callers = 0;
  /** Those among them that do not wait for ever. */
  readonly #timed = new Set<Call>();
  #failures = 0;
  /** After a failure nothing is sent before this moment. */
  #pausedUntilMs: number | undefined;
  /** When this node last published, on the monotonic clock: tail beats follow it (PUB-5). */
  publishedAtMs: number = Number.NEGATIVE_INFINITY;
  #pumpDue = false;
  #slotFreed = false;

  constructor(host: Host, origin: Origin, firstSeq = 0) {
    this.#host = host;
    const { cluster, maxFrameBytes, framesInFlight, repairBatches } = host.settings;
    this.#outbox = new Outbox({ cluster, origin, maxFrameBytes, framesInFlight, firstSeq });
    this.#answers = new RepairAnswers(host, origin, this.#outbox, repairBatches);
    this.#guards = new Guards(host);
  }

  /** The highest number assigned, reserved ones included. */
  get seq(): number {
    return this.#outbox.seq;
  }

  /** The lowest number that is reserved or gathers. */
  get held(): number | undefined {
    return this.#outbox.held;
  }

  /** Batches that the broker has not accepted yet. */
  get unsent(): number {
    return this.#outbox.unsent;
  }

  /** Guarded writes under way. */
  get guards(): number {
    return this.#guards.size;
  }

  /** Something may wait for the end of the turn. */
  get pumpDue(): boolean {
    return this.#pumpDue;
  }

  /** Numbers a selection and sends it as soon as group commit allows; returns its highest number. */
  publish(call: number, selection: Selection, wait: Wait, by: CalledBy = {}): number {
    const batches = this.#outbox.add(selection, { ackWanted: wait.for !== 'bus' });
    return this.#track(call, batches, wait, by);
  }

  adopt(selection: Selection, via: string): void {
    this.#outbox.adopt(selection, via);
    this.#host.counters.adopted += 1;
    this.pump();
  }

  reserve(guard: number, selection: Selection): void {
    const seq = this.#host.settings.protections.reserveBeforeWrite ? this.#outbox.reserve() : 0;
    this.#guards.add(guard, seq, selection);
  }

  /** Publishes what the guarded write has changed, under its reserved number; returns the highest number. */
  release(
    guardId: number,
    call: number,
    selection: Selection,
    wait: Wait,
    by: CalledBy = {},
  ): number {
    const guard = this.#guards.take(guardId);
    if (guard === undefined || guard.released || guard.seq === 0) {
      return this.publish(call, selection, wait, by);
    }
    const ackWanted = wait.for !== 'bus';
    const batches = this.#outbox.publishReserved(guard.seq, selection, ackWanted);
    return this.#track(call, batches, wait, by);
  }

  /** When to call `tick` next. */
  get dueAtMs(): number {
    const paused = this.#host.busOpen ? this.#pausedUntilMs : undefined;
    let due = Math.min(this.#guards.dueAtMs, paused ?? Number.POSITIVE_INFINITY);
    for (const { timeoutAtMs } of this.#timed) due = Math.min(due, timeoutAtMs);
    return due;
  }

  /** Sends what had to wait, ends waits, and looks after guarded writes that take long (PUB-7). */
  tick(): void {
    for (const { seq, selection } of this.#guards.tick()) {
      this.#outbox.publishReserved(seq, selection, false);
    }
    for (const call of this.#timed) {
      if (this.#host.now.monoMs >= call.timeoutAtMs) this.#settle(call, 'timeout');
    }
    this.#pumpNow();
  }

  /** Sends what was gathered in the turn that ends. */
  endTurn(): void {
    if (this.#pumpDue) this.#pumpNow();
  }

  /** The bus has settled frame `id`. */
  sent(id: number, outcome: SendOutcome): void {
    const batch = this.#sending.get(id);
    if (batch === undefined) return;
    this.#sending.delete(id);
    if (outcome === 'accepted') {
      this.#outbox.confirmed(batch);
      for (const call of batch.deliver()) if (call.waitsFor === 0) this.#settle(call, 'bus');
      this.resume(true);
      return;
    }
    for (const call of batch.deliver()) this.#settle(call, 'local');
    if (outcome === 'rejected') batch.rejections += 1;
    // A frame that the broker will not take is left to repair: it must not stand in the way of the others.
    if (batch.rejections >= MAX_REJECTIONS) this.#outbox.confirmed(batch);
    else this.#outbox.unconfirmed(batch);
    this.#pause();
  }

  /** The broker takes frames: what waits goes out without delay. */
  resume(slotFreed = false): void {
    this.#failures = 0;
    this.#pausedUntilMs = undefined;
    this.pump(slotFreed);
  }

  /** Nothing can be accepted for now: callers learn at once that it is applied here only. */
  interrupted(): void {
    for (const call of this.#calls.values()) this.#settle(call, 'local');
  }

  /** Sends what should go out now, or at the end of the turn. */
  pump(slotFreed = false): void {
    this.#slotFreed ||= slotFreed;
    if (this.#host.gathersTurns) this.#pumpDue = true;
    else this.#pumpNow();
  }

  #pumpNow(): void {
    const slotFreed = this.#slotFreed;
    this.#slotFreed = false;
    this.#pumpDue = false;
    const { wallMs, monoMs } = this.#host.now;
    if (!this.#host.busOpen || monoMs < (this.#pausedUntilMs ?? monoMs)) return;
    this.#pausedUntilMs = undefined;
    for (let freed = slotFreed; ; freed = false) {
      const outgoing = this.#outbox.next({ slotFreed: freed, wallMs });
      if (outgoing === undefined) return;
      const { batch, frame, summary } = outgoing;
      this.#answers.keep(batch);
      this.publishedAtMs = monoMs;
      const name = `inv ${batch.high}`;
      this.#sending.set(this.#host.send(frame, { summary, name }), batch);
    }
  }

  /** Answers a request for repair. */
  answer(nack: NegativeAck): void {
    this.#answers.answer(nack);
  }

  /** What others may not have yet, for a new incarnation to publish again (ID-2). */
  abandon(): {
    readonly unsent: readonly Selection[];
    readonly guards: ReadonlyMap<number, Selection>;
  } {
    this.interrupted();
    return { unsent: this.#outbox.drain(), guards: this.#guards.selections() };
  }

  #track(id: number, batches: ReadonlySet<Batch>, wait: Wait, by: CalledBy): number {
    const { traceparent, callers = 1 } = by;
    let highest = 0;
    for (const batch of batches) {
      highest = Math.max(highest, batch.high);
      if (isTraceparent(traceparent)) batch.traceparent ??= traceparent;
    }
    if (wait.for === 'bus') {
      const timeoutAtMs = this.#host.now.monoMs + (wait.timeoutMs ?? Number.POSITIVE_INFINITY);
      const call: Call = { id, callers, waitsFor: 0, timeoutAtMs };
      this.#calls.set(id, call);
      this.#callers += callers;
      if (timeoutAtMs < Number.POSITIVE_INFINITY) this.#timed.add(call);
      const waits = this.#host.busOpen && this.#callers <= LIMITS.waiters;
      if (batches.size === 0) this.#settle(call, 'bus');
      else if (!waits) this.#settle(call, 'local');
      else for (const batch of batches) batch.carry(call);
    }
    this.pump();
    return highest;
  }

  #settle(call: Call, by: 'bus' | 'local' | 'timeout'): void {
    if (!this.#calls.delete(call.id)) return;
    this.#callers -= call.callers;
    this.#timed.delete(call);
    const result = { by, acked: [], missing: [] };
    this.#host.emit({ type: 'settle', call: call.id, result });
  }

  /** Frames that fail together count as one failure. */
  #pause(): void {
    const { monoMs } = this.#host.now;
    if (this.#pausedUntilMs !== undefined && monoMs < this.#pausedUntilMs) return;
    this.#pausedUntilMs = monoMs + Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }
}
