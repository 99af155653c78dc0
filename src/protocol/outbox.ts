import { Batch, NAME_KINDS, type NameKind } from './batch.ts';
import { encode } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Origin } from './message.ts';
import { PendingNames } from './pending-names.ts';
import { SendQueue } from './send-queue.ts';
import { summarize, type Selection } from './selection.ts';

/** A frame that is to be published now. */
export interface Outgoing {
  readonly batch: Batch;
  readonly frame: string;
  readonly summary: string | undefined;
}

/**
 * Numbers what this node publishes, gathers it into batches and says when to send which: at once
 * while nothing is in flight, otherwise when a batch is full or a confirmation frees a slot (group
 * commit: no timer, so no latency when idle). What cannot be sent is kept without duplicates, and
 * collapses to regions and then to everything (PUB-4).
 *
 * What was named under a number never moves to a higher one: a beat may have told of that number
 * already, and whoever has heard all numbers up to it must have heard the name (Lemma 2).
 */
export class Outbox {
  readonly #cluster: string;
  readonly #origin: Origin;
  readonly #maxBytes: number;
  #seq: number;
  readonly #queue: SendQueue;
  readonly #reserved = new Set<number>();
  readonly #pending = new PendingNames();

  constructor(options: {
    readonly cluster: string;
    readonly origin: Origin;
    readonly maxFrameBytes: number;
    readonly framesInFlight?: number | undefined;
    readonly firstSeq?: number;
  }) {
    this.#queue = new SendQueue(options.framesInFlight ?? LIMITS.window);
    this.#cluster = options.cluster;
    this.#origin = options.origin;
    this.#maxBytes = options.maxFrameBytes - headerBytes(options.cluster, options.origin);
    this.#seq = options.firstSeq ?? 0;
  }

  /** The highest number assigned, reserved ones included (PUB-8). */
  get seq(): number {
    return this.#seq;
  }

  /** The lowest number that nobody can have heard yet, because it is reserved or still gathers (PUB-8). */
  get held(): number | undefined {
    const gathering = this.#queue.lowestOpen?.low;
    // Numbers are reserved in ascending order, and a set keeps it.
    for (const reserved of this.#reserved) return Math.min(reserved, gathering ?? reserved);
    return gathering;
  }

  /** Batches that the broker has not accepted yet. */
  get unsent(): number {
    return this.#queue.unsent;
  }

  /** What the names of a batch may take of a frame, in bytes. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Takes an invalidation in; returns the batches that carry it. */
  add(selection: Selection, options: { readonly ackWanted?: boolean } = {}): ReadonlySet<Batch> {
    const batches = new Set<Batch>();
    if (selection.all === true) batches.add(this.#addAll());
    for (const region of selection.regions ?? []) batches.add(this.#addRegion(region));
    this.#addNames(selection, batches);
    const carriers = standing(batches);
    if (options.ackWanted === true) for (const batch of carriers) batch.ackWanted = true;
    return carriers;
  }

  /** An invalidation that adopts the foreign message `via`; it keeps a frame of its own (FOR-3). */
  adopt(selection: Selection, via: string): ReadonlySet<Batch> {
    // Nobody is hurt if it is not told that it was adopted; an endless queue would hurt.
    if (this.#queue.open >= LIMITS.adoptions) return this.add(selection);
    const batch = this.#enqueue(new Batch(this.#next(), via));
    if (!fill(batch, selection, this.#maxBytes)) batch.addAll();
    return new Set([batch]);
  }

  /** Assigns a number before its write starts (PUB-7). */
  reserve(): number {
    const seq = this.#next();
    this.#reserved.add(seq);
    return seq;
  }

  /** Publishes what a reserved number stands for; an empty selection is the abort. Returns the batches that carry it. */
  publishReserved(seq: number, selection: Selection, ackWanted: boolean): ReadonlySet<Batch> {
    this.#reserved.delete(seq);
    const batch = this.#enqueue(new Batch(seq));
    batch.ackWanted = ackWanted;
    const batches = new Set([batch]);
    if (selection.all === true) batches.add(this.#addAll(batch));
    for (const region of selection.regions ?? []) batches.add(this.#addRegion(region, batch));
    this.#addNames(selection, batches, batch);
    return standing(batches);
  }

  /** The next frame that should go out now, if any; it counts as in flight from here on. */
  next(options: { readonly slotFreed: boolean; readonly wallMs: number }): Outgoing | undefined {
    const batch = this.#queue.take(options.slotFreed, this.#maxBytes);
    if (batch === undefined) return undefined;
    const frame = batch.frame ?? this.#seal(batch, options.wallMs);
    return { batch, frame, summary: summarize(batch.selection()) };
  }

  /** The broker has accepted it, or never will. */
  confirmed(batch: Batch): void {
    this.#queue.settled(batch);
  }

  /** The broker may not have accepted it: it goes out again, in order, with the same bytes. */
  unconfirmed(batch: Batch): void {
    this.#queue.again(batch);
  }

  /** Empties it: what the broker has not accepted. */
  drain(): Selection[] {
    this.#pending.clear();
    return this.#queue.drain().map((batch) => batch.selection());
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** Closes a batch: nothing is added to it any more, and a run of sparse ones becomes one frame. */
  #seal(batch: Batch, wallMs: number): string {
    this.#pending.close(batch);
    for (const next of this.#queue.absorbable(batch, this.#maxBytes)) {
      this.#pending.close(next);
      batch.absorb(next);
    }
    const { low, high, adopts, ackWanted, traceparent } = batch;
    const selection = batch.selection();
    const origin = this.#origin;
    const { held } = this;
    batch.frame = encode(this.#cluster, {
      type: 'inv',
      origin,
      seq: high,
      selection,
      ackWanted,
      wallMs,
      ...(low === high ? {} : { low }),
      ...(held === undefined || held > high ? {} : { held }),
      ...(adopts === undefined ? {} : { via: adopts }),
      ...(traceparent === undefined ? {} : { traceparent }),
    });
    return batch.frame;
  }

  /** No generator and no list of entries: this is done for every single call. */
  #addNames(selection: Selection, batches: Set<Batch>, own?: Batch): void {
    for (const kind of NAME_KINDS) {
      const lists = selection[kind];
      if (lists === undefined) continue;
      for (const region of Object.keys(lists)) {
        for (const name of lists[region] ?? []) {
          batches.add(this.#addName(kind, region, name, own));
        }
      }
    }
  }

  /** Names it in `own`, or, where the number does not matter, in whichever batch gathers. */
  #addName(kind: NameKind, region: string, name: string, own?: Batch): Batch {
    const carrier = this.#pending.carrier(kind, region, name, own?.low ?? this.#seq);
    if (carrier !== undefined) return carrier;
    const room = this.#pending.room(kind, region);
    if (room === 'full') return this.#addAll(own);
    if (room === 'region-full') return this.#addRegion(region, own);
    const take = (batch: Batch): boolean => batch.add(kind, region, name, this.#maxBytes);
    const batch = own === undefined ? this.#open(take) : take(own) ? own : undefined;
    if (batch === undefined) return this.#addRegion(region, own);
    this.#pending.put(kind, region, name, batch);
    return batch;
  }

  #addRegion(region: string, own?: Batch): Batch {
    const flush = this.#pending.flush(region, own?.low ?? this.#seq);
    if (flush !== undefined) return flush;
    if (this.#pending.flushes >= LIMITS.pendingRegions) return this.#addAll(own);
    const ceding = this.#queue.gathering().filter((batch) => batch.has(region));
    const lowest = lower(ceding[0], own);
    const take = (batch: Batch): boolean => batch.addRegion(region, this.#maxBytes);
    for (const batch of ceding) batch.cedeRegion(region, lowest ?? batch);
    const batch = lowest === undefined ? this.#open(take) : take(lowest) ? lowest : undefined;
    if (batch === undefined) return this.#addAll(own);
    this.#pending.putFlush(region, batch);
    return batch;
  }

  #addAll(own?: Batch): Batch {
    return this.#pending.flushOfAll(own?.low ?? this.#seq) ?? this.#flushAll();
  }

  /** The lowest number that gathers takes it all; the others become empty, and runs of them one frame. */
  #flushAll(): Batch {
    const [first, ...others] = this.#queue.gathering();
    const batch = first ?? this.#enqueue(new Batch(this.#next()));
    for (const other of others) other.cedeAll(batch);
    batch.addAll();
    this.#pending.putFlushOfAll(batch);
    this.#queue.compact();
    return batch;
  }

  /** The batch that takes the name: the last one that gathers, or a new one. `undefined`: it fits in none. */
  #open(take: (batch: Batch) => boolean): Batch | undefined {
    const last = this.#queue.lastOpen;
    if (last !== undefined && take(last)) return last;
    const fresh = this.#enqueue(new Batch(this.#next()));
    return take(fresh) ? fresh : undefined;
  }

  #enqueue(batch: Batch): Batch {
    if (this.#queue.open >= LIMITS.pendingBatches) this.#flushAll();
    this.#queue.put(batch);
    return batch;
  }
}

/** Those that still stand for themselves, in place of those that were taken over meanwhile. */
function standing(batches: ReadonlySet<Batch>): ReadonlySet<Batch> {
  let moved = false;
  for (const batch of batches) moved ||= batch.takenOverBy !== undefined;
  if (!moved) return batches;
  const carriers = new Set<Batch>();
  for (const batch of batches) {
    let carrier = batch;
    while (carrier.takenOverBy !== undefined) carrier = carrier.takenOverBy;
    carriers.add(carrier);
  }
  return carriers;
}

/** What all the fields but the names may take of a frame, in bytes. */
function headerBytes(cluster: string, origin: Origin): number {
  const most = Number.MAX_SAFE_INTEGER;
  const longest = encode(cluster, {
    type: 'rep',
    origin,
    range: [most, most],
    seq: most,
    held: most,
    selection: { keys: {}, tags: {}, prefixes: {}, regions: [], all: true },
    ackWanted: true,
  });
  return longest.length + SPARE_BYTES;
}

/** For what an `inv` has and a `rep` has not: `lo`, `w`, `tp`, and `via` with the id of a foreign message. */
const SPARE_BYTES = 344;

/** Puts a whole selection into one batch; `false` if it does not fit even as regions. */
function fill(batch: Batch, selection: Selection, maxBytes: number): boolean {
  if (selection.all === true) return false;
  if (!(selection.regions ?? []).every((region) => batch.addRegion(region, maxBytes))) return false;
  for (const [kind, region, name] of namesOf(selection)) {
    if (!batch.add(kind, region, name, maxBytes)) return false;
  }
  return true;
}

function* namesOf(selection: Selection): Iterable<readonly [NameKind, string, string]> {
  for (const kind of NAME_KINDS) {
    for (const [region, names] of Object.entries(selection[kind] ?? {})) {
      for (const name of names) yield [kind, region, name];
    }
  }
}

function lower(one: Batch | undefined, other: Batch | undefined): Batch | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.low < other.low ? one : other;
}
