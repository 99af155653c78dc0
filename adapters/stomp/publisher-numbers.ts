/** Publishers whose last number is remembered; the one heard least recently is forgotten first. */
const MAX_PUBLISHERS = 1_024;

/** Finds holes in what arrives: each link numbers its frames, and a broker keeps their order, so a jump is a loss. */
export class PublisherNumbers {
  readonly #last = new Map<string, number>();

  /** `mark` is `publisher-number`; anything else is not numbered and proves nothing. */
  isHole(mark: string): boolean {
    const [, publisher, digits] = /^([0-9a-f]{16})-(\d{1,15})$/.exec(mark) ?? [];
    if (publisher === undefined) return false;
    const number = Number(digits);
    const last = this.#last.get(publisher);
    this.#last.delete(publisher);
    this.#last.set(publisher, Math.max(number, last ?? 0));
    if (this.#last.size > MAX_PUBLISHERS) {
      const [oldest] = this.#last.keys();
      if (oldest !== undefined) this.#last.delete(oldest);
    }
    return last !== undefined && number > last + 1;
  }
}
