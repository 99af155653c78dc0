import { wireLength } from './codec.ts';
import { readForeignText } from './foreign-text.ts';
import type { Host } from './host.ts';
import type { ForeignText } from './input.ts';
import { hash } from './hash.ts';
import { LIMITS } from './limits.ts';
import type { Publisher } from './publisher.ts';
import type { Selection } from './selection.ts';
import { TIMES } from './settings.ts';

/** Messages of one sender that are applied one by one in a second; the rest become one fence at its end (FOR-4). */
const SENDER_RATE = 20;
/** Senders whose rate is remembered. */
const SENDERS = 1_000;

const RATE_WINDOW_MS = 1_000;

/** The id of the adoption that stands for those that find no room. */
const OVERFLOW = 'overflow';

/** Ids that take more bytes of a frame are cut. */
const ID_BYTES = 200;

interface Rate {
  readonly startMs: number;
  count: number;
  /** The first that was one too many: a fence in its place is due at the end of the second. */
  flood: string | undefined;
}

/** Messages that carry no frame: applied by everybody at once, and adopted by one (FOR-1 to FOR-4). */
export class ForeignMessages {
  readonly #host: Host;
  readonly #waiting = new Map<
    string,
    { readonly dueAtMs: number; readonly selection: Selection }
  >();
  readonly #rates = new Map<string, Rate>();
  /** Ids that were adopted lately, by me or by others: their message is not adopted again. */
  readonly #adopted = new Set<string>();

  constructor(host: Host) {
    this.#host = host;
  }

  get dueAtMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { flood, startMs } of this.#rates.values()) {
      if (flood !== undefined) due = Math.min(due, startMs + RATE_WINDOW_MS);
    }
    if (!this.#host.busOpen) return due;
    for (const { dueAtMs } of this.#waiting.values()) due = Math.min(due, dueAtMs);
    return due;
  }

  heard(message: ForeignText): void {
    const { foreign } = this.#host.settings;
    const { text, id, sender, sentAt } = message;
    const allowed = foreign === 'accept' || (foreign !== 'ignore' && foreign.allow(sender));
    if (!allowed) {
      this.#refuse('not-allowed', sender);
      return;
    }
    if (sentAt !== undefined && this.#host.now.wallMs - sentAt > TIMES.foreignAge) {
      this.#refuse('too-old', sender);
      return;
    }
    const reading = readForeignText(text);
    if (reading.type === 'refused') {
      this.#refuse(reading.reason, sender);
      return;
    }
    this.#host.counters.foreignApplied += 1;
    const who = sender === undefined ? {} : { sender };
    this.#host.emit({
      type: 'report',
      report: { type: 'foreign-applied', ids: reading.ids, ...who },
    });
    const rate = this.#rate(sender ?? '');
    if (rate.count > SENDER_RATE) rate.flood ??= idOf(id);
    else this.#apply(idOf(id), reading.selection, sender);
  }

  /** Somebody has adopted the message `id`. */
  adopted(id: string): void {
    this.#waiting.delete(id);
    this.#remember(id);
  }

  /** Adopts what nobody else has adopted in time (FOR-3), and fences for those who say too much (FOR-4). */
  tick(publisher: Publisher): void {
    const { monoMs } = this.#host.now;
    for (const [sender, rate] of this.#rates) {
      if (rate.flood === undefined || monoMs < rate.startMs + RATE_WINDOW_MS) continue;
      this.#rates.delete(sender);
      this.#apply(rate.flood, { all: true }, sender);
    }
    if (!this.#host.busOpen) return;
    for (const [id, { dueAtMs, selection }] of this.#waiting) {
      if (monoMs < dueAtMs) continue;
      this.#waiting.delete(id);
      this.#remember(id);
      publisher.adopt(selection, id);
    }
  }

  #await(id: string, selection: Selection): void {
    const { adoptOnce } = this.#host.settings.protections;
    if (adoptOnce && (this.#adopted.has(id) || this.#waiting.has(id))) return;
    // Past the bound one adoption of everything stands for all that finds no room.
    const full = this.#waiting.size >= LIMITS.adoptions;
    if (full && this.#waiting.has(OVERFLOW)) return;
    const dueAtMs = this.#host.now.monoMs + this.#host.random() * TIMES.adoptWithin;
    if (full) this.#waiting.set(OVERFLOW, { dueAtMs, selection: { all: true } });
    else this.#waiting.set(id, { dueAtMs, selection });
  }

  #remember(id: string): void {
    if (!this.#host.settings.protections.adoptOnce) return;
    this.#adopted.add(id);
    if (this.#adopted.size <= LIMITS.adoptions) return;
    const [oldest] = this.#adopted;
    if (oldest !== undefined) this.#adopted.delete(oldest);
  }

  #apply(id: string, selection: Selection, sender: string | undefined): void {
    const cause = { by: 'foreign', ...(sender === undefined ? {} : { origin: sender }) } as const;
    this.#host.emit({ type: 'apply', selection, cause });
    this.#await(id, selection);
  }

  /** What `sender` has sent in the current second, this message included. */
  #rate(sender: string): Rate {
    const { monoMs } = this.#host.now;
    const known = this.#rates.get(sender);
    if (
      known !== undefined &&
      (known.flood !== undefined || monoMs - known.startMs < RATE_WINDOW_MS)
    ) {
      known.count += 1;
      return known;
    }
    this.#rates.delete(sender);
    if (this.#rates.size >= SENDERS) {
      const [oldest] = this.#rates.keys();
      if (oldest !== undefined) this.#forgetRate(oldest);
    }
    const rate: Rate = { startMs: monoMs, count: 1, flood: undefined };
    this.#rates.set(sender, rate);
    return rate;
  }

  #forgetRate(sender: string): void {
    const flood = this.#rates.get(sender)?.flood;
    this.#rates.delete(sender);
    if (flood !== undefined) this.#apply(flood, { all: true }, sender);
  }

  #refuse(reason: string, sender: string | undefined): void {
    this.#host.counters.foreignRefused += 1;
    const report = {
      type: 'foreign-refused',
      reason,
      ...(sender === undefined ? {} : { sender }),
    } as const;
    this.#host.emit({ type: 'report', report });
  }
}

/** What everybody calls the message: its id, cut to a length that fits a frame in any script. */
function idOf(id: string): string {
  return wireLength(id) <= ID_BYTES ? id : `${id.slice(0, 24)}#${hash(id).toString(36)}`;
}
