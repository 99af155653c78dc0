import { Hub } from './hub.ts';
import type { MeetingPlace } from './meeting-place.ts';

/**
 * The buses of this process that are at one place, and the hub if this process has it. The hub belongs to all of
 * them: closing one bus does not disturb the others, and closing the last one ends it.
 */
export class LocalPresence {
  static readonly #all = new Map<string, LocalPresence>();
  readonly #place: MeetingPlace;
  #buses = 0;
  /** One at most, and those that are still closing. */
  readonly #hubs = new Set<Hub>();

  private constructor(place: MeetingPlace) {
    this.#place = place;
  }

  static enter(place: MeetingPlace): LocalPresence {
    const presence = LocalPresence.#all.get(place.key) ?? new LocalPresence(place);
    LocalPresence.#all.set(place.key, presence);
    presence.#buses += 1;
    return presence;
  }

  /** Tries to become the hub. */
  async claimHub(): Promise<void> {
    const hub: Hub | undefined = await Hub.claim(this.#place, () => {
      if (hub !== undefined) this.#hubs.delete(hub);
    });
    if (hub !== undefined) this.#hubs.add(hub);
  }

  /** To be called once per `enter`. */
  async leave(): Promise<void> {
    this.#buses -= 1;
    if (this.#buses > 0) return;
    LocalPresence.#all.delete(this.#place.key);
    await Promise.all(Array.from(this.#hubs, (hub) => hub.close()));
  }
}
