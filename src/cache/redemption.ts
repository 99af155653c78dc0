import { CacheError } from './cache-error.ts';
import type { CacheOptions } from './cache-options.ts';
import { checkName } from './names.ts';
import type { Entry } from './shelf.ts';
import type { Store, Ticket } from './store.ts';

/** What became of a loaded value; `laundered`: a second level had it from too long ago (LOAD-4). */
export type Fate = 'stored' | 'voided' | 'too-large' | 'laundered';

export interface Redeemed<Value> {
  readonly entry: Entry<Value>;
  readonly fate: Fate;
}

/** The difference of two readings of a clock in whole ms may be so much too small. */
const RESOLUTION_MS = 1;

/** Turns what a loader brought into an entry: its tags, its TTL, its size. In every case the ticket is used up. */
export class Redemption<Value> {
  readonly #options: CacheOptions<Value>;
  readonly #store: Store<Value>;
  readonly #random: () => number;

  constructor(options: CacheOptions<Value>, store: Store<Value>, random: () => number) {
    this.#options = options;
    this.#store = store;
    this.#random = random;
  }

  /**
   * `ageMs`: how long before its load began here the value was read from the source; `undefined`: it was not, but now.
   * @throws {CacheError} `TAGS_INVALID`, `SIZE_INVALID`
   */
  redeem(issued: Ticket, value: Value, ageMs: number | undefined): Redeemed<Value> {
    const tags = this.#tagsOf(issued.key, value);
    const loadStartMs = issued.loadStartMs - (ageMs === undefined ? 0 : ageMs + RESOLUTION_MS);
    const ttlMs = this.#ttlMs(value);
    const entry = { value, loadStartMs, expiresAtMs: loadStartMs + ttlMs, tags };
    if (ageMs !== undefined && this.#store.isLaundered(loadStartMs, issued.key, tags)) {
      this.#store.return();
      return { entry, fate: 'laundered' };
    }
    return { entry, fate: this.#store.redeem({ ...issued, loadStartMs }, value, tags, ttlMs) };
  }

  #tagsOf(key: string, value: Value): readonly string[] {
    try {
      return tagsOf(this.#options.tags, key, value);
    } catch (error) {
      this.#store.return();
      throw error;
    }
  }

  #ttlMs(value: Value): number {
    const {
      ttlMs = Number.POSITIVE_INFINITY,
      negativeTtlMs = ttlMs,
      ttlJitter = 0,
      maxTtlMs = Number.POSITIVE_INFINITY,
    } = this.#options;
    const ttl = value === undefined || value === null ? negativeTtlMs : ttlMs;
    const jittered = ttlJitter === 0 ? ttl : ttl * (1 - ttlJitter * this.#random());
    return Math.min(jittered, maxTtlMs);
  }
}

/** What `sizeOf` says, as the store wants it: a whole number from 1. */
export function checkedSizeOf<Value>(
  sizeOf: CacheOptions<Value>['sizeOf'],
): CacheOptions<Value>['sizeOf'] {
  if (sizeOf === undefined) return undefined;
  return (value, key) => {
    let size: unknown;
    try {
      size = sizeOf(value, key);
    } catch (cause) {
      const message = `sizeOf threw for ${JSON.stringify(key)}; see \`cause\``;
      throw new CacheError('SIZE_INVALID', message, { cause });
    }
    if (typeof size === 'number' && size >= 0) return Math.max(1, Math.ceil(size));
    const message = `sizeOf must return a number from 0, got ${String(size)} for ${JSON.stringify(key)}`;
    throw new CacheError('SIZE_INVALID', message);
  };
}

function tagsOf<Value>(
  tags: CacheOptions<Value>['tags'],
  key: string,
  value: Value,
): readonly string[] {
  if (tags === undefined) return [];
  let found: unknown;
  try {
    found = tags(key, value);
  } catch (cause) {
    const message = `the tag function threw for ${JSON.stringify(key)}; see \`cause\``;
    throw new CacheError('TAGS_INVALID', message, { cause });
  }
  if (!Array.isArray(found)) {
    const message = `the tag function must return an array of strings, got something else for ${JSON.stringify(key)}`;
    throw new CacheError('TAGS_INVALID', message);
  }
  // A copy: whoever made the list may change it, and the index must find what it has put in.
  const checked = found.map((tag: unknown) => checkTag(key, tag));
  return checked.length < 2 ? checked : [...new Set(checked)];
}

function checkTag(key: string, tag: unknown): string {
  try {
    return checkName('tag', tag);
  } catch (cause) {
    const message = `the tag function returned a tag that cannot be invalidated for ${JSON.stringify(key)}; see \`cause\``;
    throw new CacheError('TAGS_INVALID', message, { cause });
  }
}
