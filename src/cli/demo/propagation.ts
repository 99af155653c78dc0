import { createHistogram } from 'node:perf_hooks';
import type { Passage } from './worker-protocol.ts';

/** Steps of ids that are kept; what comes after them is not in the figures. */
const MAX_PASSAGES = 1_000_000;
/** Saves that are remembered for each server and id: a drop belongs to one of the last. */
const MAX_REMEMBERED = 100;

/** How long ids travel: from a save being done on one server to the id having been dropped on another. */
export class Propagation {
  readonly #passages: Passage[] = [];

  learn(passages: readonly Passage[]): void {
    for (const passage of passages) {
      if (this.#passages.length < MAX_PASSAGES) this.#passages.push(passage);
    }
  }

  /** In ms; `null` where nothing travelled. */
  percentiles(): { readonly p50Ms: number | null; readonly p99Ms: number | null } {
    const histogram = createHistogram();
    let count = 0;
    for (const delayMs of this.#delays()) {
      histogram.record(Math.max(1, Math.round(delayMs * 1_000)));
      count += 1;
    }
    if (count === 0) return { p50Ms: null, p99Ms: null };
    return { p50Ms: histogram.percentile(50) / 1_000, p99Ms: histogram.percentile(99) / 1_000 };
  }

  *#delays(): Iterable<number> {
    const saves = new Map<string, number[]>();
    const counted = new Set<string>();
    // What arrives in batches from several processes is put into the order in which it happened.
    for (const passage of this.#passages.toSorted((one, other) => one.atMs - other.atMs)) {
      if (passage.type === 'saved') {
        const times = saves.get(nameOf(passage.server, passage.id)) ?? [];
        times.push(passage.atMs);
        saves.set(nameOf(passage.server, passage.id), times.slice(-MAX_REMEMBERED));
        continue;
      }
      const savedAtMs = saves.get(nameOf(passage.by, passage.id))?.at(-1);
      if (savedAtMs === undefined) continue;
      // A repair may bring again what was dropped already: only the first time counts.
      const name = `${passage.server} ${nameOf(passage.by, passage.id)} ${savedAtMs}`;
      if (counted.has(name)) continue;
      counted.add(name);
      yield passage.atMs - savedAtMs;
    }
  }
}

function nameOf(server: string, id: string): string {
  return `${server} ${id}`;
}
