import type { Host } from './host.ts';
import type { Selection } from './selection.ts';

/** A guarded write under way. */
export interface Guard {
  /** The number reserved for it. */
  readonly seq: number;
  readonly selection: Selection;
  readonly startedAtMs: number;
  alarmed: boolean;
  /** Published ahead of its end (`onGuardTimeout: 'release'`). */
  released: boolean;
}

/** Guarded writes: each holds a number from before it starts until it has ended (PUB-7). */
export class Guards {
  readonly #host: Host;
  readonly #guards = new Map<number, Guard>();

  constructor(host: Host) {
    this.#host = host;
  }

  get size(): number {
    return this.#guards.size;
  }

  add(id: number, seq: number, selection: Selection): void {
    const startedAtMs = this.#host.now.monoMs;
    this.#guards.set(id, { seq, selection, startedAtMs, alarmed: false, released: false });
  }

  /** The write has ended. */
  take(id: number): Guard | undefined {
    const guard = this.#guards.get(id);
    this.#guards.delete(id);
    return guard;
  }

  /** When the next one has taken too long. */
  get dueAtMs(): number {
    const { guardMaxMs } = this.#host.settings;
    let due = Number.POSITIVE_INFINITY;
    for (const guard of this.#guards.values()) {
      if (!guard.alarmed) due = Math.min(due, guard.startedAtMs + guardMaxMs);
    }
    return due;
  }

  /** Raises the alarm for writes that take long; returns those that are to be published ahead of their end. */
  tick(): Guard[] {
    const { guardMaxMs, onGuardTimeout } = this.#host.settings;
    const ahead: Guard[] = [];
    for (const [id, guard] of this.#guards) {
      const sinceMs = this.#host.now.monoMs - guard.startedAtMs;
      if (guard.alarmed || sinceMs < guardMaxMs) continue;
      guard.alarmed = true;
      this.#host.emit({ type: 'report', report: { type: 'guard-slow', guard: id, sinceMs } });
      if (onGuardTimeout !== 'release' || guard.seq === 0) continue;
      guard.released = true;
      ahead.push(guard);
    }
    return ahead;
  }

  /** All of them, by id. */
  selections(): ReadonlyMap<number, Selection> {
    return new Map([...this.#guards].map(([id, { selection }]) => [id, selection]));
  }
}
