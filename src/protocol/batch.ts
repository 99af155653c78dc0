import { wireLength } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Selection } from './selection.ts';

/** The kinds of names that a batch lists by region. */
export type NameKind = 'keys' | 'tags' | 'prefixes';

/** One numbered batch while it gathers, waits and is in flight. */
export class Batch {
  readonly low: number;
  high: number;
  readonly adopts: string | undefined;
  ackWanted = false;
  /** The frame as it was first sent: a retry sends the same bytes (PUB-3). */
  frame: string | undefined;
  /** How often the broker has refused it. */
  rejections = 0;
  /** It has been handed to the repair ring: a retry is not kept twice. */
  keptForRepair = false;
  /** Calls that wait for the broker to accept it. */
  readonly calls: Set<number> = new Set();
  #size = 0;
  #bytes = 0;
  #all = false;
  #regions = new Set<string>();
  #names: Record<NameKind, Map<string, string[]>> = {
    keys: new Map(),
    tags: new Map(),
    prefixes: new Map(),
  };

  constructor(seq: number, adopts?: string) {
    this.low = seq;
    this.high = seq;
    this.adopts = adopts;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds one name, unless the batch would grow past its bounds. */
  add(kind: NameKind, region: string, name: string, maxBytes: number): boolean {
    const names = this.#names[kind].get(region);
    const bytes = wireLength(name) + 1 + (names === undefined ? wireLength(region) + 12 : 0);
    const full = this.#size >= LIMITS.batchKeys || this.#bytes + bytes > maxBytes;
    if (full) return false;
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
    this.clear();
    this.#all = true;
    this.#size = 1;
  }

  clear(): void {
    this.#all = false;
    this.#regions = new Set();
    for (const names of Object.values(this.#names)) names.clear();
    this.#size = 0;
    this.#bytes = 0;
  }

  /** Forgets the names in `region`: a flush of it is already under way. */
  dropRegion(region: string): void {
    for (const byRegion of Object.values(this.#names)) {
      const names = byRegion.get(region);
      if (names === undefined) continue;
      byRegion.delete(region);
      this.#size -= names.length;
      for (const name of names) this.#bytes -= wireLength(name) + 1;
      this.#bytes -= wireLength(region) + 12;
    }
  }

  /** Takes over the next batch, if both together stay within the bounds: one frame for a range of numbers. */
  absorb(next: Batch, maxBytes: number): boolean {
    const mergeable = next.low === this.high + 1 && this.#plain() && next.#plain();
    if (!mergeable || this.#size + next.#size > LIMITS.batchKeys) return false;
    if (this.#bytes + next.#bytes > maxBytes) return false;
    this.high = next.high;
    this.#size += next.#size;
    this.#bytes += next.#bytes;
    this.#all ||= next.#all;
    for (const region of next.#regions) this.#regions.add(region);
    for (const kind of ['keys', 'tags', 'prefixes'] as const) {
      for (const [region, names] of next.#names[kind]) {
        const own = this.#names[kind].get(region);
        if (own === undefined) this.#names[kind].set(region, names);
        else own.push(...names);
      }
    }
    for (const call of next.calls) this.calls.add(call);
    return true;
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
    for (const kind of ['keys', 'tags', 'prefixes'] as const) {
      for (const [region, names] of this.#names[kind]) {
        for (const name of names) yield [kind, region, name];
      }
    }
  }

  #plain(): boolean {
    return !this.ackWanted && this.adopts === undefined && this.frame === undefined;
  }
}

function listed(kind: NameKind, names: ReadonlyMap<string, string[]>): Selection {
  return names.size === 0 ? {} : { [kind]: Object.fromEntries(names) };
}
