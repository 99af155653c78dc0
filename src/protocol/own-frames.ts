import { hash } from './hash.ts';
import { LIMITS } from './limits.ts';

/** Frames of this node whose text is remembered, as a hash. */
const REMEMBERED = 1_024;

/** Frames that have not come back yet and are known again at once, as they are: more than may be unconfirmed. */
const AWAITED = LIMITS.widestWindow + 32;

/**
 * What this node has said under its origin. A frame that bears its origin and that it did not send
 * means that somebody else uses the same one: a cloned machine, a forked process (ID-2).
 */
export class OwnFrames {
  readonly #hashes = new Map<string, number>();
  readonly #awaited = new Set<string>();

  sent(name: string, frame: string): void {
    this.#hashes.set(name, hash(frame));
    if (this.#hashes.size > REMEMBERED) forgetOldest(this.#hashes);
    this.#awaited.add(frame);
    if (this.#awaited.size > AWAITED) forgetOldest(this.#awaited);
  }

  /** Whether a frame is one that was sent and now comes back: it says nothing new, and need not be read. */
  isEcho(frame: string): boolean {
    return this.#awaited.delete(frame);
  }

  /** `false` if a frame of that name was sent with another text. Older ones are past telling. */
  isMine(name: string, frame: string): boolean {
    const known = this.#hashes.get(name);
    return known === undefined || known === hash(frame);
  }
}

function forgetOldest(memory: Map<string, unknown> | Set<string>): void {
  const [oldest] = memory.keys();
  if (oldest !== undefined) memory.delete(oldest);
}
