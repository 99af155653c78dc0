interface Version {
  readonly committedMs: number;
  /** From when on the contract counts: the commit of a guarded write, the call of an invalidation. */
  coveredMs: number;
}

/** The system of record, and when each of its versions began to count against the caches. */
export class Source {
  readonly #history = new Map<string, Version[]>();

  /** The newest version of `key`; 0 before the first write. */
  version(key: string): number {
    return this.#history.get(key)?.length ?? 0;
  }

  /** The newest version that had been committed at `atMs`. */
  versionAt(key: string, atMs: number): number {
    const history = this.#history.get(key);
    if (history === undefined) return 0;
    let version = history.length;
    while (version > 0 && (history[version - 1]?.committedMs ?? 0) > atMs) version -= 1;
    return version;
  }

  commit(key: string, nowMs: number, guarded: boolean): void {
    const history = this.#history.get(key) ?? [];
    if (history.length === 0) this.#history.set(key, history);
    history.push({ committedMs: nowMs, coveredMs: guarded ? nowMs : Number.POSITIVE_INFINITY });
  }

  /** An invalidation of `key` was published: it concerns all versions up to `version`. */
  cover(key: string, version: number, nowMs: number): void {
    const history = this.#history.get(key) ?? [];
    for (let index = version - 1; index >= 0; index -= 1) {
      const covered = history[index];
      if (covered !== undefined && covered.coveredMs > nowMs) covered.coveredMs = nowMs;
    }
  }

  /** How long `version` of `key` had been out of date at `atMs`, by the contract; negative if it was not. */
  staleForMs(key: string, version: number, atMs: number): number {
    const history = this.#history.get(key);
    if (history === undefined) return Number.NEGATIVE_INFINITY;
    let sinceMs = Number.POSITIVE_INFINITY;
    for (let index = version; index < history.length; index += 1) {
      sinceMs = Math.min(sinceMs, history[index]?.coveredMs ?? sinceMs);
    }
    return atMs - sinceMs;
  }
}
