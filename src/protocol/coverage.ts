import type { Origin, Part } from './message.ts';

/** Parts remembered of one lister. */
const MAX_PARTS = 32;

interface Heard {
  readonly beat: number;
  readonly part: Part;
}

/**
 * How much of its list a peer has told. A peer with more members than fit into one beat lists them part
 * by part; what its beats prove counts only once its whole list was told by beats that are not older,
 * because somebody whom it requires may not be required here yet (BEAT-2, Theorem 3).
 */
export class Coverage {
  /** Its beats from this number on have told the whole list; 0 before that. */
  completeSince = 0;
  /** The newest parts, in the order of their beats. */
  #parts: readonly Heard[] = [];

  /** Beat number `beat` has listed everybody, or only `part`. */
  heard(beat: number, part: Part | undefined): void {
    if (beat <= this.completeSince) return;
    if (part === undefined) {
      this.completeSince = beat;
      this.#parts = this.#parts.filter((heard) => heard.beat > beat);
      return;
    }
    if (this.#parts.some((heard) => heard.beat === beat)) return;
    const parts = [...this.#parts, { beat, part }];
    this.#parts = parts.toSorted((one, other) => one.beat - other.beat).slice(-MAX_PARTS);
    this.#review();
  }

  #review(): void {
    for (let from = this.#parts.length - 1; from >= 0; from -= 1) {
      const parts = this.#parts.slice(from).map((heard) => heard.part);
      if (!tellAll(parts)) continue;
      this.completeSince = Math.max(this.completeSince, this.#parts[from]?.beat ?? 0);
      return;
    }
  }
}

/** Origins form a circle in the order of their code units: whether the parts leave no gap in it. */
function tellAll(parts: readonly Part[]): boolean {
  const [first] = parts;
  if (first === undefined) return false;
  // Every gap ends where some part begins, so it is enough to look at the points just after each part.
  return parts.every(([, last]) => parts.some((part) => reachesBeyond(part, last)));
}

/** Whether the part goes on after `origin`: it contains what follows immediately. */
function reachesBeyond([after, last]: Part, origin: Origin): boolean {
  if (after === last) return true;
  if (after < last) return after <= origin && origin < last;
  return after <= origin || origin < last;
}
