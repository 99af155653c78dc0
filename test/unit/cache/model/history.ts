/** What a source has answered. */
export interface Version {
  readonly key: string;
  readonly number: number;
  /** The step at which the source was asked. */
  readonly askedAt: number;
}

interface Drop {
  readonly at: number;
  readonly concerns: (version: Version) => boolean;
  readonly what: string;
}

/** Tags that only a value tells: what it is of, and whether its version is even. */
export function tagsOf({ key, number }: Version): string[] {
  return [`kind:${key.slice(0, 1)}`, `own:${key}`, number % 2 === 0 ? 'even' : 'odd'];
}

/**
 * The naive model: every drop and every commit, in order, and for each value that a read brings the
 * question whether it may. No cleverness at all, so that there is nothing in it to be wrong.
 */
export class History {
  #step = 0;
  readonly #drops: Drop[] = [];
  readonly #versions = new Map<string, number>();
  readonly #committedAtMs = new Map<string, number>();
  readonly violations: string[] = [];
  /** Reads that brought a value of the cache. */
  served = 0;

  /** Nothing happens twice at one step. */
  next(): number {
    this.#step += 1;
    return this.#step;
  }

  commit(key: string, nowMs: number): void {
    const number = this.#numberOf(key) + 1;
    this.#versions.set(key, number);
    this.#committedAtMs.set(`${key}@${number}`, nowMs);
  }

  ask(key: string): Version {
    return { key, number: this.#numberOf(key), askedAt: this.next() };
  }

  drop(what: string, concerns: Drop['concerns']): void {
    this.#drops.push({ at: this.next(), concerns, what });
  }

  /**
   * A read that began at `beganAt` has brought `version`: it must not be from before a drop of which the reader could know, nor
   * older than the bound.
   */
  check(
    version: Version,
    began: { readonly at: number; readonly ms: number },
    boundMs: number,
  ): void {
    this.served += 1;
    for (const { at, concerns, what } of this.#drops) {
      if (version.askedAt < at && at < began.at && concerns(version)) {
        this.violations.push(
          `${version.key}@${version.number}, loaded at ${version.askedAt}, was dropped by ${what} at ${at} and read at ${began.at}`,
        );
      }
    }
    const nextAtMs = this.#committedAtMs.get(`${version.key}@${version.number + 1}`);
    if (nextAtMs !== undefined && began.ms - nextAtMs > boundMs) {
      this.violations.push(
        `${version.key}@${version.number} was read ${began.ms - nextAtMs} ms after it was replaced`,
      );
    }
  }

  #numberOf(key: string): number {
    return this.#versions.get(key) ?? 1;
  }
}
