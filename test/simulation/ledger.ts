import type { Message, Origin } from '../../src/protocol/message.ts';
import { isEmptySelection, type Selection } from '../../src/protocol/selection.ts';
import type { Complain } from './violation.ts';

/** What a frame is for. A folded repair flushes more than was published. */
export type FrameKind = 'batch' | 'repair' | 'folded repair' | 'control';

/** The true history of what one incarnation has published: what no node of the cluster can know. */
export class Ledger {
  readonly origin: Origin;
  readonly #complain: Complain;
  /** When which number was the highest assigned one, in order. */
  readonly #assigned: { readonly atMs: number; readonly seq: number }[] = [];
  readonly #contents = new Map<number, Selection>();
  readonly #frames = new Map<number, string>();
  readonly #adopted = new Set<string>();
  /** Processes that publish under this origin: one, and none once it has ended; more where a machine was cloned. */
  #users = 1;
  #isShared = false;

  constructor(origin: Origin, complain: Complain) {
    this.origin = origin;
    this.#complain = complain;
  }

  /** Somebody publishes under it. */
  get alive(): boolean {
    return this.#users > 0;
  }

  /** Two processes have numbered what they publish under it: its numbers have no one history to be true to. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** One more process uses the origin. */
  share(): void {
    this.#users += 1;
    this.#isShared = true;
  }

  /** A process has ended, or has taken another origin. */
  leave(): void {
    this.#users -= 1;
  }

  get seq(): number {
    return this.#assigned.at(-1)?.seq ?? 0;
  }

  assigned(seq: number, atMs: number): void {
    if (seq > this.seq) this.#assigned.push({ atMs, seq });
  }

  /** The highest number that had been assigned before `atMs`. */
  seqBefore(atMs: number): number {
    let index = this.#assigned.length - 1;
    while (index >= 0 && (this.#assigned[index]?.atMs ?? 0) >= atMs) index -= 1;
    return this.#assigned[index]?.seq ?? 0;
  }

  /** A frame of this incarnation goes out: it must say what the ones before it said (PUB-3, NACK-3). */
  sent(message: Message, frame: string): FrameKind {
    if (message.type === 'inv') {
      const known = this.#frames.get(message.seq);
      if (known !== undefined && known !== frame && !this.#isShared) {
        this.#complain('I3', `${this.origin} sent two frames with number ${message.seq}`);
      }
      this.#frames.set(message.seq, frame);
      for (let seq = message.low ?? message.seq; seq <= message.seq; seq += 1)
        this.#contents.set(seq, message.selection);
      if (message.via !== undefined && known === undefined) this.#adopts(message.via);
      return 'batch';
    }
    if (message.type !== 'rep') return 'control';
    const [low, high] = message.range;
    if (this.#contents.has(low)) return this.#repairs(message.range, message.selection);
    // A run of batches that go out for the first time, as one frame.
    for (let seq = low; seq <= high; seq += 1) this.#contents.set(seq, message.selection);
    return 'batch';
  }

  #adopts(id: string): void {
    if (this.#adopted.has(id)) {
      this.#complain('I13', `${this.origin} adopted the foreign message ${id} twice`);
    }
    this.#adopted.add(id);
  }

  /** A repair must cover everything that was published under its numbers. */
  #repairs([low, high]: readonly [number, number], selection: Selection): FrameKind {
    let folded = false;
    for (let seq = low; seq <= Math.min(high, this.seq); seq += 1) {
      const content = this.#contents.get(seq);
      if (content === undefined) continue;
      folded ||= content.all !== true && selection.all === true;
      folded ||= (content.regions?.length ?? 0) < (selection.regions?.length ?? 0);
      if (this.#isShared || covers(selection, content)) continue;
      this.#complain('I3', `a repair by ${this.origin} leaves out number ${seq}`);
    }
    return folded ? 'folded repair' : 'repair';
  }
}

function covers(whole: Selection, part: Selection): boolean {
  if (whole.all === true || isEmptySelection(part)) return true;
  if (part.all === true) return false;
  const regions = new Set(whole.regions);
  if ((part.regions ?? []).some((region) => !regions.has(region))) return false;
  for (const kind of ['keys', 'tags', 'prefixes'] as const) {
    for (const [region, names] of Object.entries(part[kind] ?? {})) {
      if (regions.has(region)) continue;
      const listed = whole[kind]?.[region] ?? [];
      if (names.some((name) => !listed.includes(name))) return false;
    }
  }
  return true;
}
