import type { Call } from './call.ts';
import { wireLength } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Selection } from './selection.ts';

/** The kinds of names that a batch lists by region. */
export type NameKind = 'keys' | 'tags' | 'prefixes';

export const NAME_KINDS: readonly NameKind[] = ['keys', 'tags', 'prefixes'];

/** One numbered batch while it gathers, waits and is in flight; a range of numbers where several became one. */
export class Batch {
  readonly low: number;
  readonly adopts: string | undefined;
  ackWanted = false;
  /** Of the first of those whose doing it is and who are traced. */
  traceparent: string | undefined;
  /** The frame as it was first sent: a retry sends the same bytes (PUB-3). */
  frame: string | undefined;
  /** How often the broker has refused it. */
  rejections = 0;
  /** It has been handed to the repair ring: a retry is not kept twice. */
  keptForRepair = false;
  /** The batch that its numbers and names went into. */
  takenOverBy: Batch | undefined;
  #high: number;
  #size = 0;
  #bytes = 0;
  #all = false;
  readonly #regions = new Set<string>();
  readonly #names: Readonly<Record<NameKind, Map<string, string[]>>> = {
    keys: new Map(),
    tags: new Map(),
    prefixes: new Map(),
  };
  /** Calls that wait for the broker to accept it. */
  #calls = new Set<Call>();

  constructor(seq: number, adopts?: string) {
    this.low = seq;
    this.#high = seq;
    this.adopts = adopts;
  }

  get high(): number {
    return this.#high;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It still takes names: it is not closed, and has no frame of its own for another reason. */
  get gathers(): boolean {
    return this.frame === undefined && this.adopts === undefined;
  }

  /** Adds one name, unless the batch would grow past its bounds. */
  add(kind: NameKind, region: string, name: string, maxBytes: number): boolean {
    const names = this.#names[kind].get(region);
    const bytes = wireLength(name) + 1 + (names === undefined ? regionBytes(region) : 0);
    if (this.#size >= LIMITS.batchKeys || this.#bytes + bytes > maxBytes) return false;
    if (names === undefined) this.#names[kind].set(region, [name]);
    else names.push(name);
    this.#size += 1;
    this.#bytes += bytes;
    return true;
  }

  addRegion(region: string, maxBytes: number): boolean {
    if (this.#regions.has(region)) return true;
    const bytes = wireLength(region) + 1;
    if (this.#bytes + bytes > maxBytes) return false;
    this.#regions.add(region);
    this.#bytes += bytes;
    this.#size += 1;
    return true;
  }

  /** Everything is named: nothing else needs to be. */
  addAll(): void {
    this.#clear();
    this.#all = true;
    this.#size = 1;
  }

  has(region: string): boolean {
    return NAME_KINDS.some((kind) => this.#names[kind].has(region));
  }

  /** A flush of `region` by `flush` names what this batch has named there. */
  cedeRegion(region: string, flush: Batch): void {
    for (const kind of NAME_KINDS) {
      const names = this.#names[kind].get(region);
      if (names === undefined) continue;
      this.#names[kind].delete(region);
      this.#size -= names.length;
      for (const name of names) this.#bytes -= wireLength(name) + 1;
      this.#bytes -= regionBytes(region);
    }
    this.#shareCalls(flush);
  }

  /** A flush of everything by `flush` names all that this batch has named. */
  cedeAll(flush: Batch): void {
    this.#clear();
    this.#shareCalls(flush);
  }

  /** `call` waits for this batch, too. */
  carry(call: Call): void {
    if (this.#calls.has(call)) return;
    this.#calls.add(call);
    call.waitsFor += 1;
  }

  /** The broker has accepted it; returns the calls that it carried. */
  deliver(): Iterable<Call> {
    const calls = this.#calls;
    this.#calls = new Set();
    for (const call of calls) call.waitsFor -= 1;
    return calls;
  }

  /** Whether it can take over the next batch: both together stay within the bounds of one frame. */
  canAbsorb(next: Batch, maxBytes: number): boolean {
    return (
      next.low === this.#high + 1 &&
      this.gathers &&
      next.gathers &&
      this.#size + next.#size <= LIMITS.batchKeys &&
      this.#bytes + next.#bytes <= maxBytes
    );
  }

  /** Takes over the next batch: one frame for a range of numbers. */
  absorb(next: Batch): void {
    next.takenOverBy = this;
    this.#high = next.#high;
    this.#size += next.#size;
    this.#bytes += next.#bytes;
    this.ackWanted ||= next.ackWanted;
    this.traceparent ??= next.traceparent;
    this.#all ||= next.#all;
    for (const region of next.#regions) this.#regions.add(region);
    for (const kind of NAME_KINDS) {
      for (const [region, names] of next.#names[kind]) {
        const own = this.#names[kind].get(region);
        if (own === undefined) this.#names[kind].set(region, names);
        else for (const name of names) own.push(name);
      }
    }
    for (const call of next.deliver()) this.carry(call);
  }

  selection(): Selection {
    if (this.#all) return { all: true };
    return {
      ...listed('keys', this.#names.keys),
      ...listed('tags', this.#names.tags),
      ...listed('prefixes', this.#names.prefixes),
      ...(this.#regions.size === 0 ? {} : { regions: [...this.#regions] }),
    };
  }

  *names(): Iterable<readonly [NameKind, string, string]> {
    for (const kind of NAME_KINDS) {
      for (const [region, names] of this.#names[kind]) {
        for (const name of names) yield [kind, region, name];
      }
    }
  }

  #clear(): void {
    this.#all = false;
    this.#regions.clear();
    for (const kind of NAME_KINDS) this.#names[kind].clear();
    this.#size = 0;
    this.#bytes = 0;
  }

  #shareCalls(other: Batch): void {
    if (other !== this) for (const call of this.#calls) other.carry(call);
  }
}

/** What the name of a region takes in front of its list. */
function regionBytes(region: string): number {
  return wireLength(region) + 12;
}

function listed(kind: NameKind, names: ReadonlyMap<string, string[]>): Selection {
  return names.size === 0 ? {} : { [kind]: Object.fromEntries(names) };
}
