import type { ClusterNode } from '../cluster/node.ts';
import type { RegionSelection, RegionTarget } from '../cluster/region.ts';
import type {
  CacheSelection,
  InvalidateOptions,
  InvalidationResult,
  WriteOptions,
} from './cache-options.ts';
import { DropMemory } from './drop-memory.ts';
import { checkKey, selectIn, selectionOf } from './names.ts';
import { matching } from './prefixes.ts';
import { Publishing, type WrittenKeys } from './publishing.ts';
import { Quarantine } from './quarantine.ts';

/** A cache of another make: lru-cache, `Map`, Keyv, cache-manager. Its methods may be asynchronous. */
export interface ForeignCache {
  delete?(key: string): unknown;
  /** What cache-manager calls `delete`. */
  del?(key: string): unknown;
  clear(): unknown;
  /** Without it an invalidation by prefix clears the whole cache. */
  keys?(): Iterable<string>;
}

/** The right to put one loaded value into an attached cache. */
export interface AttachedTicket {
  /** `false` once the key was dropped since the ticket was issued: then the loaded value may be old, and must not be kept. */
  readonly valid: boolean;
  /**
   * Calls `store`, which puts the loaded value into the cache, if the ticket is valid; and drops the key again
   * if it was dropped while an asynchronous `store` was under way. Resolves to whether the value was kept.
   * @throws what `store` throws
   */
  keep(store: () => unknown): Promise<boolean>;
}

/**
 * Keeps a cache of another make free of what changes in the cluster. It knows no tags and no proof:
 * an invalidation by tag clears it, and the staleness bound holds only as far as the bus does.
 */
export class Attachment {
  readonly region: string;
  readonly #node: ClusterNode;
  readonly #target: ForeignCache;
  readonly #publishing: Publishing;
  readonly #drops = new DropMemory();
  readonly #quarantine = new Quarantine();
  #failures = 0;

  /** Made by `cluster.attach`. @throws {TypeError} if `target` has no `delete` (or `del`) and `clear` */
  constructor(node: ClusterNode, region: string, target: ForeignCache) {
    checkTarget(target);
    this.region = region;
    this.#node = node;
    this.#target = target;
    this.#publishing = new Publishing(node);
    node.addTarget(region, this.#regionTarget());
  }

  /** Times that the attached cache failed to drop what it was told to; it was then told to clear itself. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Issued before a load: `const ticket = attachment.ticket(key); const value = await load(key);
   * await ticket.keep(() => target.set(key, value));`
   * @throws {TypeError} for a key that is not 1 to 1,024 characters
   */
  ticket(key: string): AttachedTicket {
    checkKey(key);
    const issuedAt = this.#drops.count;
    const fenced = this.#quarantine.has(key);
    // Its tags are not known, so that every tag counts as one of its own.
    const isValid = (): boolean =>
      !fenced &&
      this.#drops.lastOf(key).count <= issuedAt &&
      this.#drops.lastOfAnyTag.count <= issuedAt;
    return {
      get valid() {
        return isValid();
      },
      keep: async (store) => {
        if (!isValid()) return false;
        await store();
        if (isValid()) return true;
        // The order in which an asynchronous cache does things is its own: the drop may have come before the store.
        this.#delete(key);
        return false;
      },
    };
  }

  /** As the method of `CoherentCache`. */
  invalidate(
    what: string | Iterable<string> | CacheSelection,
    options: InvalidateOptions = {},
  ): Promise<InvalidationResult> {
    return this.#publishing.invalidate(() => selectIn(this.region, selectionOf(what)), options);
  }

  /** As the method of `CoherentCache`. */
  invalidateLocal(what: string | Iterable<string> | CacheSelection): void {
    this.#publishing.invalidateLocal(selectIn(this.region, selectionOf(what)));
  }

  /** As the method of `CoherentCache`. */
  flush(options: InvalidateOptions = {}): Promise<InvalidationResult> {
    return this.#publishing.invalidate(() => ({ regions: [this.region] }), options);
  }

  /** As the method of `CoherentCache`. */
  async write<Result>(
    keys: WrittenKeys<Result>,
    write: () => Result | Promise<Result>,
    options: WriteOptions = {},
  ): Promise<Result> {
    return await this.#publishing.write(this.region, keys, write, options);
  }

  #regionTarget(): RegionTarget {
    return {
      drop: (selection) => {
        this.#drop(selection);
      },
      flush: () => {
        this.#drops.addEverything(this.#node.runtime.localMs());
        this.#clear();
      },
      quarantine: (guard, selection) => {
        this.#quarantine.add(guard, selection);
        this.#drop(selection);
      },
      lift: (guard) => {
        this.#quarantine.lift(guard);
      },
    };
  }

  #drop(selection: RegionSelection): void {
    // Tickets first: whatever the cache does when it is told to drop something, an old value cannot come after it.
    this.#drops.add(selection, this.#node.runtime.localMs());
    const { keys, tags, prefixes } = selection;
    const listed = prefixes.length === 0 || typeof this.#target.keys === 'function';
    if (tags.length > 0 || !listed) {
      this.#clear();
      return;
    }
    for (const key of keys) this.#delete(key);
    if (prefixes.length === 0) return;
    this.#attempt(() => {
      for (const key of matching(this.#target.keys?.() ?? [], prefixes)) this.#delete(key);
    });
  }

  #delete(key: string): void {
    this.#attempt(() =>
      this.#target.delete === undefined ? this.#target.del?.(key) : this.#target.delete(key),
    );
  }

  #clear(): void {
    this.#attempt(() => this.#target.clear());
  }

  /** Whether it throws or rejects, now or later: what could not be dropped alone is dropped with everything. */
  #attempt(drop: () => unknown): void {
    settled(drop).catch(() => {
      this.#failures += 1;
      settled(() => this.#target.clear()).catch(() => {
        this.#failures += 1;
      });
    });
  }
}

function checkTarget(target: unknown): void {
  const has = (name: string): boolean =>
    typeof target === 'object' &&
    target !== null &&
    typeof Reflect.get(target, name) === 'function';
  if ((has('delete') || has('del')) && has('clear')) return;
  throw new TypeError('a cache to attach needs the methods `delete` (or `del`) and `clear`');
}

async function settled(call: () => unknown): Promise<void> {
  await call();
}
