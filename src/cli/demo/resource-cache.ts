import { LRUCache } from 'lru-cache';
import type { CoherentCache } from '../../index.ts';
import type { Versioned } from './http-service.ts';

export type Mode = 'none' | 'ttl' | 'unstale';

/** Reads and saves at the origin. */
export interface Storage {
  read(id: string): Promise<Versioned>;
  /** Resolves with the new version. */
  save(id: string, body: Buffer): Promise<number>;
}

/** What a server of the demo keeps of the origin's resources, in one of the three ways compared. */
export interface ResourceCache {
  read(id: string): Promise<Versioned & { readonly cache: 'hit' | 'miss' }>;
  save(id: string, body: Buffer): Promise<number>;
}

/** Entries that a cache of the demo holds: more than there are resources. */
export const MAX_ENTRIES = 10_000;

/** Every read goes to the origin. */
export function noCache(storage: Storage): ResourceCache {
  return {
    read: async (id) => ({ ...(await storage.read(id)), cache: 'miss' }),
    save: (id, body) => storage.save(id, body),
  };
}

/** What most programs have: readers share a load, an entry lives for a fixed time, and a server drops what it saved itself. */
export function ttlCache(storage: Storage, ttlMs: number): ResourceCache {
  const entries = new LRUCache<string, Versioned>({ max: MAX_ENTRIES, ttl: ttlMs });
  const loads = new Map<string, Promise<Versioned>>();
  const load = (id: string): Promise<Versioned> => {
    const loading = storage
      .read(id)
      .then((found) => {
        if (loads.get(id) === loading) entries.set(id, found);
        return found;
      })
      .finally(() => {
        if (loads.get(id) === loading) loads.delete(id);
      });
    loads.set(id, loading);
    return loading;
  };
  return {
    async read(id) {
      const entry = entries.get(id);
      if (entry !== undefined) return { ...entry, cache: 'hit' };
      return { ...(await (loads.get(id) ?? load(id))), cache: 'miss' };
    },
    async save(id, body) {
      try {
        return await storage.save(id, body);
      } finally {
        entries.delete(id);
        loads.delete(id);
      }
    },
  };
}

/** The cache that the project is about. `onSaved` is told when a save is done, just before the others are told. */
export function coherentCache(
  storage: Storage,
  cache: CoherentCache<Versioned>,
  onSaved: (id: string) => void,
): ResourceCache {
  return {
    async read(id) {
      const isHit = cache.has(id);
      return { ...(await cache.get(id)), cache: isHit ? 'hit' : 'miss' };
    },
    save: (id, body) =>
      cache.write(id, async () => {
        const version = await storage.save(id, body);
        onSaved(id);
        return version;
      }),
  };
}
