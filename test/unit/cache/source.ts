import type { LoadContext } from '../../../src/index.ts';

/** One call of a loader that waits for the test to answer it. */
export interface Asked {
  readonly keys: readonly string[];
  readonly context: LoadContext;
  /** What the source had when it was asked. */
  readonly seen: ReadonlyMap<string, string>;
  answer(): void;
  fail(error: unknown): void;
}

/**
 * A system of record whose answers the test times: each load sees what is there when it is asked, and
 * brings it when the test says so.
 */
export class Source {
  readonly #versions = new Map<string, number>();
  readonly asked: Asked[] = [];

  /** Commits a new version of `key`. */
  commit(key: string): void {
    this.#versions.set(key, (this.#versions.get(key) ?? 1) + 1);
  }

  /** What is there now: `key@version`. */
  valueOf(key: string): string {
    return `${key}@${this.#versions.get(key) ?? 1}`;
  }

  readonly load = async (key: string, context: LoadContext): Promise<string> => {
    const found = await this.#ask([key], context);
    return found.get(key) ?? '';
  };

  readonly loadMany = (
    keys: readonly string[],
    context: LoadContext,
  ): Promise<ReadonlyMap<string, string>> => this.#ask(keys, context);

  /** Answers whatever is asked at once. */
  readonly now = (key: string): string => this.valueOf(key);

  get last(): Asked {
    const last = this.asked.at(-1);
    if (last === undefined) throw new Error('nothing was asked');
    return last;
  }

  #ask(keys: readonly string[], context: LoadContext): Promise<ReadonlyMap<string, string>> {
    const seen = new Map(keys.map((key) => [key, this.valueOf(key)]));
    return new Promise((resolve, reject) => {
      this.asked.push({
        keys,
        context,
        seen,
        answer: () => {
          resolve(seen);
        },
        fail: reject,
      });
    });
  }
}
