import { Batch, type NameKind } from './batch.ts';
import { encode } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Origin } from './message.ts';
import { summarize, type Selection } from './selection.ts';

/** A frame that is to be published now. */
export interface Outgoing {
  readonly batch: Batch;
  readonly frame: string;
  readonly summary: string | undefined;
}

/** What the header of an `inv` or `rep` may take of a frame, in bytes. */
const HEADER_BYTES = 420;

/**
 * Numbers what this node publishes, gathers it into batches and says when to send which: at once
 * while nothing is in flight, otherwise when a batch is full or a confirmation frees a slot (group
 * commit: no timer, so no latency when idle). What cannot be sent is kept without duplicates, and
 * collapses to regions and then to everything (PUB-4).
 */
export class Outbox {
  readonly #cluster: string;
  readonly #origin: Origin;
  readonly #maxBytes: number;
  #seq: number;
  #queue: Batch[] = [];
  readonly #inFlight = new Set<Batch>();
  readonly #reserved = new Set<number>();
  /** Where a name that is gathered and not yet sent already stands. */
  readonly #index = new Map<string, Map<string, Batch>>();
  readonly #flushes = new Map<string, Batch>();

  constructor(options: {
    readonly cluster: string;
    readonly origin: Origin;
    readonly maxFrameBytes: number;
    readonly firstSeq?: number;
  }) {
    this.#cluster = options.cluster;
    this.#origin = options.origin;
    this.#maxBytes = options.maxFrameBytes - HEADER_BYTES;
    this.#seq = options.firstSeq ?? 0;
  }

  /** The highest number assigned, reserved ones included (PUB-8). */
  get seq(): number {
    return this.#seq;
  }

  /** The lowest number that nobody can have heard yet, because it is reserved or still gathers (PUB-8). */
  get held(): number | undefined {
    let held = Number.POSITIVE_INFINITY;
    for (const seq of this.#reserved) held = Math.min(held, seq);
    for (const batch of this.#queue)
      if (batch.frame === undefined) held = Math.min(held, batch.low);
    return held === Number.POSITIVE_INFINITY ? undefined : held;
  }

  /** Batches that the broker has not accepted yet. */
  get unsent(): number {
    return this.#queue.length + this.#inFlight.size;
  }

  /** Takes an invalidation in; returns the batches that carry it. */
  add(selection: Selection, options: { readonly ackWanted?: boolean } = {}): ReadonlySet<Batch> {
    const batches = new Set<Batch>();
    if (selection.all === true) batches.add(this.#addAll());
    for (const region of selection.regions ?? []) batches.add(this.#addRegion(region));
    for (const kind of ['keys', 'tags', 'prefixes'] as const) {
      const lists = selection[kind];
      for (const region in lists ?? {}) {
        for (const name of lists?.[region] ?? []) batches.add(this.#addName(kind, region, name));
      }
    }
    if (options.ackWanted === true) for (const batch of batches) batch.ackWanted = true;
    return batches;
  }

  /** An invalidation that adopts the foreign message `via`; it keeps a frame of its own (FOR-3). */
  adopt(selection: Selection, via: string): Batch {
    return this.#fill(new Batch(this.#next(), via), selection);
  }

  /** Assigns a number before its write starts (PUB-7). */
  reserve(): number {
    const seq = this.#next();
    this.#reserved.add(seq);
    return seq;
  }

  /** Publishes what a reserved number stands for; an empty selection is the abort. */
  publishReserved(seq: number, selection: Selection, ackWanted: boolean): Batch {
    this.#reserved.delete(seq);
    const batch = this.#fill(new Batch(seq), selection);
    batch.ackWanted = ackWanted;
    return batch;
  }

  isReserved(seq: number): boolean {
    return this.#reserved.has(seq);
  }

  /** The next frame that should go out now, if any; it counts as in flight from here on. */
  next(options: { readonly slotFreed: boolean; readonly wallMs: number }): Outgoing | undefined {
    const [head, second] = this.#queue;
    if (head === undefined || this.#inFlight.size >= LIMITS.window) return undefined;
    const full = second !== undefined || head.size >= LIMITS.batchKeys;
    if (this.#inFlight.size > 0 && !full && !options.slotFreed) return undefined;
    this.#queue.shift();
    if (head.frame === undefined) this.#seal(head, options.wallMs);
    this.#inFlight.add(head);
    return { batch: head, frame: head.frame ?? '', summary: summarize(head.selection()) };
  }

  /** The broker has accepted it. */
  confirmed(batch: Batch): void {
    this.#inFlight.delete(batch);
  }

  /** The broker may not have accepted it: it goes out again, in order, with the same bytes. */
  unconfirmed(batch: Batch): void {
    if (!this.#inFlight.delete(batch)) return;
    const later = this.#queue.findIndex(
      (queued) => queued.frame === undefined || queued.low > batch.low,
    );
    this.#queue.splice(later === -1 ? this.#queue.length : later, 0, batch);
  }

  /** Empties it: the batches that were never handed to the bus. */
  drain(): Batch[] {
    const unsent = this.#queue;
    this.#queue = [];
    this.#index.clear();
    this.#flushes.clear();
    return unsent;
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** Closes a batch: nothing is added to it any more, and a run of sparse ones becomes one frame. */
  #seal(batch: Batch, wallMs: number): void {
    this.#unindex(batch);
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (!batch.absorb(next, this.#maxBytes)) break;
      this.#unindex(next);
      this.#queue.shift();
    }
    const { low, high, adopts, ackWanted } = batch;
    const selection = batch.selection();
    const origin = this.#origin;
    const held = this.held;
    batch.frame = encode(
      this.#cluster,
      low === high
        ? {
            type: 'inv',
            origin,
            seq: high,
            selection,
            ackWanted,
            wallMs,
            ...(held === undefined ? {} : { held }),
            ...(adopts === undefined ? {} : { via: adopts }),
          }
        : { type: 'rep', origin, range: [low, high], seq: this.#seq, selection },
    );
  }

  #addName(kind: NameKind, region: string, name: string): Batch {
    const flush = this.#flushes.get(EVERYTHING) ?? this.#flushes.get(region);
    if (flush !== undefined) return flush;
    const shelf = `${kind} ${region}`;
    let index = this.#index.get(shelf);
    if (index === undefined) {
      if (this.#index.size >= LIMITS.pendingRegions) return this.#addAll();
      index = new Map();
      this.#index.set(shelf, index);
    }
    const present = index.get(name);
    if (present !== undefined) return present;
    if (index.size >= LIMITS.pendingKeys) return this.#addRegion(region);
    const batch = this.#open((open) => open.add(kind, region, name, this.#maxBytes));
    if (batch === undefined) return this.#addRegion(region);
    index.set(name, batch);
    return batch;
  }

  #addRegion(region: string): Batch {
    const flush = this.#flushes.get(EVERYTHING) ?? this.#flushes.get(region);
    if (flush !== undefined) return flush;
    for (const kind of ['keys', 'tags', 'prefixes']) this.#index.delete(`${kind} ${region}`);
    for (const batch of this.#gathering()) batch.dropRegion(region);
    const batch = this.#open((open) => open.addRegion(region, this.#maxBytes));
    if (batch === undefined) return this.#addAll();
    this.#flushes.set(region, batch);
    return batch;
  }

  #addAll(): Batch {
    const flush = this.#flushes.get(EVERYTHING);
    if (flush !== undefined) return flush;
    this.#index.clear();
    this.#flushes.clear();
    for (const batch of this.#gathering()) batch.clear();
    const batch = this.#last() ?? this.#enqueue(new Batch(this.#next()));
    batch.addAll();
    this.#flushes.set(EVERYTHING, batch);
    return batch;
  }

  /** The batch that takes the name: the last one that gathers, or a new one. `undefined`: it fits in none. */
  #open(take: (batch: Batch) => boolean): Batch | undefined {
    const last = this.#last();
    if (last !== undefined && take(last)) return last;
    const fresh = new Batch(this.#next());
    this.#enqueue(fresh);
    return take(fresh) ? fresh : undefined;
  }

  #last(): Batch | undefined {
    const last = this.#queue.at(-1);
    const open = last !== undefined && last.frame === undefined && last.adopts === undefined;
    return open ? last : undefined;
  }

  #enqueue(batch: Batch): Batch {
    this.#queue.push(batch);
    return batch;
  }

  /** Puts a whole selection into a batch of its own, collapsed to regions or everything where it is too large. */
  #fill(batch: Batch, selection: Selection): Batch {
    this.#enqueue(batch);
    if (selection.all === true) batch.addAll();
    let fits = (selection.regions ?? []).every((region) => batch.addRegion(region, this.#maxBytes));
    for (const kind of ['keys', 'tags', 'prefixes'] as const) {
      const lists = selection[kind];
      for (const region in lists ?? {}) {
        const names = lists?.[region] ?? [];
        if (names.every((name) => batch.add(kind, region, name, this.#maxBytes))) continue;
        batch.dropRegion(region);
        fits &&= batch.addRegion(region, this.#maxBytes);
      }
    }
    if (!fits) batch.addAll();
    return batch;
  }

  #gathering(): Batch[] {
    return this.#queue.filter((batch) => batch.frame === undefined && batch.adopts === undefined);
  }

  #unindex(batch: Batch): void {
    for (const [kind, region, name] of batch.names()) {
      const index = this.#index.get(`${kind} ${region}`);
      if (index?.get(name) !== batch) continue;
      index.delete(name);
      if (index.size === 0) this.#index.delete(`${kind} ${region}`);
    }
    for (const [region, flush] of this.#flushes) if (flush === batch) this.#flushes.delete(region);
  }
}

/** The key of the flush of everything; no region has this name. */
const EVERYTHING = '';
