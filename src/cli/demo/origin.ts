import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { sharedNowMs } from './clock.ts';
import { HttpError, type ResourceHandlers, type Versioned } from './http-service.ts';
import type { Resource } from './resource-list.ts';
import { seededRandom } from './seeded-random.ts';

/** What saves may take in memory altogether; one more is refused. */
const MAX_SAVED_BYTES = 64 * 1_024 * 1_024;

/** A save that the origin has made durable. Times on the clock of `sharedNowMs`. */
export interface Commit {
  readonly id: string;
  readonly version: number;
  readonly atMs: number;
}

export interface OriginOptions {
  readonly resources: readonly Resource[];
  /** The mean; each request takes from three to five quarters of it. */
  readonly latencyMs: number;
  readonly seed: number;
  readonly onCommit: (commit: Commit) => void;
}

/** Remote storage: the files of a folder, slowly. What is saved is kept in memory, and the folder is never touched. */
export class Origin implements ResourceHandlers {
  readonly #options: OriginOptions;
  readonly #paths: ReadonlyMap<string, string>;
  readonly #saved = new Map<string, Versioned>();
  readonly #random: () => number;
  #savedBytes = 0;
  #reads = 0;

  constructor(options: OriginOptions) {
    this.#options = options;
    this.#paths = new Map(options.resources.map(({ id, path }) => [id, path]));
    this.#random = seededRandom(options.seed, 'latency');
  }

  /** How often it was read since the last call. */
  takeReads(): number {
    const reads = this.#reads;
    this.#reads = 0;
    return reads;
  }

  async read(id: string): Promise<Versioned | undefined> {
    this.#reads += 1;
    const latencyMs = this.#drawLatency();
    // What is read half-way may be old when it arrives: the case that a cache must survive.
    await wait(latencyMs / 2);
    const path = this.#paths.get(id);
    const found = path === undefined ? undefined : await this.#current(id, path);
    await wait(latencyMs / 2);
    return found;
  }

  /** The whole latency lies before the commit, and the answer leaves with it. */
  async save(id: string, body: Buffer): Promise<number | undefined> {
    await wait(this.#drawLatency());
    if (!this.#paths.has(id)) return undefined;
    const former = this.#saved.get(id);
    const bytes = this.#savedBytes + body.length - (former?.body.length ?? 0);
    if (bytes > MAX_SAVED_BYTES) {
      throw new HttpError(507, `saves take at most ${MAX_SAVED_BYTES} bytes altogether`);
    }
    this.#savedBytes = bytes;
    const version = (former?.version ?? FIRST_VERSION) + 1;
    this.#saved.set(id, { version, body });
    this.#options.onCommit({ id, version, atMs: sharedNowMs() });
    return version;
  }

  async #current(id: string, path: string): Promise<Versioned> {
    return this.#saved.get(id) ?? { version: FIRST_VERSION, body: await readFile(path) };
  }

  #drawLatency(): number {
    return this.#options.latencyMs * (0.75 + this.#random() / 2);
  }
}

/** The version of what is in the folder; every save adds one. */
export const FIRST_VERSION = 1;
