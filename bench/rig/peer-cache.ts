import type { Article, Found } from './reading.ts';

/** The libraries for the same purpose, each with its bus over Redis. */
export const PEERS = ['bentocache', 'layered-loader', 'cacheable'] as const;
export type PeerName = (typeof PEERS)[number];

/** Where the processes of a peer meet. */
export interface PeerOptions {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** Those who share it hear each other. */
  readonly channel: string;
  readonly load: (key: string) => Promise<Article>;
}

/** A cache of another make, configured as its own pages say, at its best: in memory, told by Redis pub/sub, and nothing else. */
export interface PeerCache {
  /** What it subscribes to in Redis. */
  readonly subscribesTo: string;
  /** Puts an entry into the local store and tells nobody. */
  warm(key: string, article: Article): void | Promise<unknown>;
  /** Reads as people do: what is not there is loaded and kept. */
  get(key: string): Promise<Found>;
  /** Drops an entry here and tells the others. Resolves when the library says so. */
  invalidate(key: string): Promise<void>;
  /** Entries in the local store. */
  left(): number;
  /** Called after another process made the local store drop that key. */
  onDropped(listener: (key: string) => void): void;
  /** Resolves when Redis has accepted what was published, where `invalidate` does not wait for it. */
  flush(): Promise<void>;
  /** Every way that it offers to read what is in memory, dear or cheap. */
  readonly hits: readonly Hit[];
  close(): Promise<void>;
}

export type Hit =
  | { readonly call: string; readonly awaited: (key: string) => Promise<Found> }
  | { readonly call: string; readonly sync: (key: string) => Found };

/** How many entries a cache may hold: more than any bench puts in. */
export const MAX_ENTRIES = 200_000;
export const TTL_MS = 600_000;

export async function openPeer(name: PeerName, options: PeerOptions): Promise<PeerCache> {
  switch (name) {
    case 'bentocache':
      return (await import('./peer-bentocache.ts')).bentocachePeer(options);
    case 'layered-loader':
      return await (await import('./peer-layered-loader.ts')).layeredLoaderPeer(options);
    case 'cacheable':
      return await (await import('./peer-cacheable.ts')).cacheablePeer(options);
  }
}
