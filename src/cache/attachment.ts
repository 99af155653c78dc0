import type { ClusterNode } from '../cluster/node.ts';
import type { RegionSelection, RegionTarget } from '../cluster/region.ts';
import type {
  CacheSelection,
  InvalidateOptions,
  InvalidationResult,
  WriteOptions,
} from './cache-options.ts';
import { DropMemory } from './drop-memory.ts';
import { checkKey, selectIn } from './names.ts';
import { Publishing } from './publishing.ts';

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
  readonly #quarantined = new Map<number, ReadonlySet<string>>();
  #failures = 0;

  /** Made by `cluster.attach`. @throws {TypeError} if `target` has no `delete` (or `del`) and `clear` */
  constructor(node: ClusterNode, region: string, target: ForeignCache) {
    const drops = 'delete' in target || 'del' in target;
    if (!drops || !('clear' in target)) {
      throw new TypeError('a cache to attach needs the methods `delete` (or `del`) and `clear`');
    }
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
   * if (ticket.valid) target.set(key, value);`
   */
  ticket(key: string): AttachedTicket {
    checkKey(key);
    const issuedAt = this.#drops.count;
    const fenced = [...this.#quarantined.values()].some((keys) => keys.has(key));
    const drops = this.#drops;
    return {
      get valid() {
        return (
          !fenced && drops.lastOf(key).count <= issuedAt && drops.lastOfAnyTag.count <= issuedAt
        );
      },
    };
  }

  /** As the method of `CoherentCache`. */
  async invalidate(
    what: CacheSelection,
    options: InvalidateOptions = {},
  ): Promise<InvalidationResult> {
    return await this.#publishing.invalidate(selectIn(this.region, what), options);
  }

  /** As the method of `CoherentCache`. */
  async write<Result>(
    keys: string | Iterable<string>,
    write: () => Result | Promise<Result>,
    options: WriteOptions = {},
  ): Promise<Result> {
    return await this.#publishing.write(this.region, keys, write, options);
  }

  #regionTarget(): RegionTarget {
    return {
      drop: (selection) => {
        this.#drops.add(selection, this.#node.runtime.localMs());
        this.#drop(selection);
      },
      flush: () => {
        this.#drops.addEverything(this.#node.runtime.localMs());
        this.#attempt(() => this.#target.clear());
      },
      quarantine: (guard, selection) => {
        this.#quarantined.set(guard, new Set(selection.keys));
        this.#drops.add(selection, this.#node.runtime.localMs());
        this.#drop(selection);
      },
      lift: (guard) => {
        this.#quarantined.delete(guard);
      },
    };
  }

  #drop({ keys, tags, prefixes }: RegionSelection): void {
    const listed = prefixes.length > 0 && this.#target.keys === undefined;
    if (tags.length > 0 || listed) {
      this.#attempt(() => this.#target.clear());
      return;
    }
    for (const key of keys) this.#delete(key);
    for (const prefix of prefixes) {
      this.#attempt(() => {
        for (const key of this.#target.keys?.() ?? [])
          if (key.startsWith(prefix)) this.#delete(key);
      });
    }
  }

  #delete(key: string): void {
    this.#attempt(() =>
      this.#target.delete === undefined ? this.#target.del?.(key) : this.#target.delete(key),
    );
  }

  /** Whether it throws or rejects, now or later: what could not be dropped alone is dropped with everything. */
  #attempt(drop: () => unknown): void {
    const failed = (): void => {
      this.#failures += 1;
      void settled(() => this.#target.clear()).catch(() => {
        this.#failures += 1;
      });
    };
    settled(drop).catch(failed);
  }
}

function settled(call: () => unknown): Promise<void> {
  try {
    return Promise.resolve(call()).then(() => undefined);
  } catch (error) {
    return Promise.reject(error);
  }
}
