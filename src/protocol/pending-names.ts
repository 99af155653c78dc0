import { NAME_KINDS, type Batch, type NameKind } from './batch.ts';
import { LIMITS } from './limits.ts';

/** Which batch that still gathers names what, so that nothing is sent twice and nothing grows without bound. */
export class PendingNames {
  /** By kind, by region, by name. Looked at for every name, so no key is put together for it. */
  readonly #shelves: Readonly<Record<NameKind, Map<string, Map<string, Batch>>>> = {
    keys: new Map(),
    tags: new Map(),
    prefixes: new Map(),
  };
  readonly #flushes = new Map<string, Batch>();
  #everything: Batch | undefined;

  /**
   * The batch that names it already, itself or by a flush, under a number not above `atMost`: whoever has
   * heard the numbers up to there has heard the name.
   */
  carrier(kind: NameKind, region: string, name: string, atMost: number): Batch | undefined {
    const flush = this.flush(region, atMost);
    if (flush !== undefined) return flush;
    return upTo(this.#shelves[kind].get(region)?.get(name), atMost);
  }

  /** The batch that flushes `region` or everything, under a number not above `atMost`. */
  flush(region: string, atMost: number): Batch | undefined {
    return this.flushOfAll(atMost) ?? upTo(this.#flushes.get(region), atMost);
  }

  flushOfAll(atMost: number): Batch | undefined {
    return upTo(this.#everything, atMost);
  }

  /** How much room there is for another name: in its region, or at all. */
  room(kind: NameKind, region: string): 'enough' | 'region-full' | 'full' {
    const shelf = this.#shelves[kind].get(region);
    if (shelf === undefined) {
      const { keys, tags, prefixes } = this.#shelves;
      return keys.size + tags.size + prefixes.size < LIMITS.pendingRegions ? 'enough' : 'full';
    }
    return shelf.size < LIMITS.pendingKeys ? 'enough' : 'region-full';
  }

  put(kind: NameKind, region: string, name: string, batch: Batch): void {
    const shelf = this.#shelves[kind].get(region);
    if (shelf === undefined) this.#shelves[kind].set(region, new Map([[name, batch]]));
    else shelf.set(name, batch);
  }

  putFlush(region: string, batch: Batch): void {
    for (const kind of NAME_KINDS) this.#shelves[kind].delete(region);
    this.#flushes.set(region, batch);
  }

  putFlushOfAll(batch: Batch): void {
    this.clear();
    this.#everything = batch;
  }

  /** How many regions are flushed. */
  get flushes(): number {
    return this.#flushes.size;
  }

  /** The batch is closed: nothing new may rely on it. */
  close(batch: Batch): void {
    for (const [kind, region, name] of batch.names()) {
      const shelf = this.#shelves[kind].get(region);
      if (shelf?.get(name) !== batch) continue;
      shelf.delete(name);
      if (shelf.size === 0) this.#shelves[kind].delete(region);
    }
    for (const [region, flush] of this.#flushes) if (flush === batch) this.#flushes.delete(region);
    if (this.#everything === batch) this.#everything = undefined;
  }

  clear(): void {
    for (const kind of NAME_KINDS) this.#shelves[kind].clear();
    this.#flushes.clear();
    this.#everything = undefined;
  }
}

function upTo(batch: Batch | undefined, atMost: number): Batch | undefined {
  return batch !== undefined && batch.low <= atMost ? batch : undefined;
}
