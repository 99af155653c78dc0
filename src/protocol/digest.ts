import { wireLength } from './codec.ts';
import { LIMITS } from './limits.ts';
import type { Members } from './members.ts';
import type { DigestEntry, Origin, Part } from './message.ts';

/** What a digest and the departures that go with it say. */
export interface DigestPage {
  readonly digest?: ReadonlyMap<Origin, DigestEntry>;
  readonly part?: Part;
  readonly departed?: ReadonlyMap<Origin, number>;
}

/** What an entry takes besides its origin: at most four numbers and their punctuation. */
const ENTRY_BYTES = 72;
/** What a departure takes besides its origin: a number and its punctuation. */
const DEPARTURE_BYTES = 20;

/** What a part takes besides its two origins. */
const PART_BYTES = 12;

/** Peers that asked and are listed out of turn. */
const MAX_ASKING = 8;

/**
 * What a beat says of the members (BEAT-2): all of them, if they fit. In a larger cluster one part of
 * them after the other, in the order of their origins, so that a reader can tell when it has heard all.
 */
export class Digest {
  readonly #members: Members;
  /** The last origin of the part that was told before. */
  #last: Origin = '';
  readonly #asking = new Set<Origin>();

  constructor(members: Members) {
    this.#members = members;
  }

  /** `origin` waits to be listed. */
  asked(origin: Origin): void {
    if (this.#asking.size < MAX_ASKING) this.#asking.add(origin);
  }

  /** The next page, in at most `maxBytes`. Ages up to `recentMs` are not worth telling. */
  page(maxBytes: number, recentMs: number): DigestPage {
    const departed = this.#departed(maxBytes / 2);
    let room = maxBytes;
    for (const origin of departed.keys()) room -= wireLength(origin) + DEPARTURE_BYTES;
    const rest = departed.size === 0 ? {} : { departed };
    const digest = this.#whole(room, recentMs);
    if (digest === undefined) return { ...this.#part(room, recentMs), ...rest };
    this.#asking.clear();
    return { digest, ...rest };
  }

  /** All members, if they fit into `room`. */
  #whole(room: number, recentMs: number): ReadonlyMap<Origin, DigestEntry> | undefined {
    if (this.#members.size > LIMITS.digestEntries) return undefined;
    const digest = new Map<Origin, DigestEntry>();
    let left = room;
    for (const peer of this.#members.all()) {
      left -= wireLength(peer.origin) + ENTRY_BYTES;
      if (left < 0) return undefined;
      digest.set(peer.origin, this.#members.entry(peer, recentMs));
    }
    return digest;
  }

  #part(room: number, recentMs: number): DigestPage {
    const digest = new Map<Origin, DigestEntry>();
    const all = Array.from(this.#members.all(), (peer) => peer.origin);
    let left = room - 2 * Math.max(...all.map(wireLength)) - PART_BYTES;
    const part = this.#listPart(all, (origin) => {
      const peer = this.#members.get(origin);
      if (peer === undefined || digest.has(origin)) return true;
      const bytes = wireLength(origin) + ENTRY_BYTES;
      if (digest.size >= LIMITS.digestEntries || bytes > left) return false;
      left -= bytes;
      digest.set(origin, this.#members.entry(peer, recentMs));
      return true;
    });
    // A part of nothing would read as everything.
    return digest.size === 0 ? {} : { digest, part };
  }

  #listPart(all: readonly Origin[], list: (origin: Origin) => boolean): Part {
    for (const origin of this.#asking) list(origin);
    this.#asking.clear();
    const sorted = all.toSorted(byCodeUnits);
    const start = Math.max(
      0,
      sorted.findIndex((origin) => origin > this.#last),
    );
    const after = sorted.at(start - 1) ?? '';
    let last = after;
    for (let index = 0; index < sorted.length; index += 1) {
      const origin = sorted[(start + index) % sorted.length];
      if (origin === undefined || !list(origin)) break;
      last = origin;
    }
    this.#last = last;
    return [after, last];
  }

  #departed(maxBytes: number): ReadonlyMap<Origin, number> {
    const departed = new Map<Origin, number>();
    let room = maxBytes;
    for (const [origin, final] of this.#members.departures.told()) {
      room -= wireLength(origin) + DEPARTURE_BYTES;
      if (room < 0) break;
      departed.set(origin, final);
    }
    return departed;
  }
}

function byCodeUnits(one: Origin, other: Origin): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
