import { judge, type Verdict } from '../chaos/checker.ts';
import { nowMs, type Commit, type Read } from '../chaos/history.ts';

/** The system of record: a version for each key, and the history of what was written and read. */
export class Truth {
  readonly #versions = new Map<string, number>();
  readonly #loads = new Map<string, number>();
  readonly #commits: Commit[] = [];
  readonly #reads: Read[] = [];

  /** What a loader gets. */
  readonly load = (key: string): number => {
    this.#loads.set(key, this.loads(key) + 1);
    return this.version(key);
  };

  version(key: string): number {
    return this.#versions.get(key) ?? 0;
  }

  /** How often a key was loaded, by whomever. */
  loads(key: string): number {
    return this.#loads.get(key) ?? 0;
  }

  /** Gives a key its next version. */
  commit(key: string): void {
    const version = this.version(key) + 1;
    this.#versions.set(key, version);
    this.#commits.push({ key, version, atMs: nowMs() });
  }

  /** Notes what a read of `key` that began at `atMs` has returned. */
  noteRead(read: Read): void {
    this.#reads.push(read);
  }

  judge(maxStalenessMs: number): Verdict {
    return judge(this.#reads, this.#commits, maxStalenessMs);
  }
}
