import { hash } from './hash.ts';

/** Frames of this node whose text is remembered, as a hash. */
const REMEMBERED = 1_024;

/**
 * What this node has said under its origin. A frame that bears its origin and that it did not send
 * means that somebody else uses the same one: a cloned machine, a forked process (ID-2).
 */
export class OwnFrames {
  readonly #hashes = new Map<string, number>();

  sent(name: string, frame: string): void {
    this.#hashes.set(name, hash(frame));
    if (this.#hashes.size <= REMEMBERED) return;
    const [oldest] = this.#hashes.keys();
    if (oldest !== undefined) this.#hashes.delete(oldest);
  }

  /** `false` if a frame of that name was sent with another text. Older ones are past telling. */
  isMine(name: string, frame: string): boolean {
    const known = this.#hashes.get(name);
    return known === undefined || known === hash(frame);
  }
}
