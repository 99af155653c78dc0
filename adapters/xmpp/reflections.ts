import { BusError, type Frame } from '../../src/index.ts';

/** More than the engine lets be unconfirmed: what the room has never reflected is forgotten. */
const MAX_UNREFLECTED = 20_000;

interface Unreflected {
  readonly frame: Frame;
  readonly resolve: () => void;
  readonly reject: (error: BusError) => void;
}

/** The frames that we have sent and the room has not reflected yet. */
export class Reflections {
  readonly #waiting = new Map<string, Unreflected>();

  /** Resolves when the room reflects the frame. What happens to it when the line breaks is told by the engine. */
  wait(id: string, frame: Frame): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { frame, resolve, reject });
      const [oldest] = this.#waiting.keys();
      if (this.#waiting.size > MAX_UNREFLECTED && oldest !== undefined) {
        this.#waiting.delete(oldest);
      }
    });
  }

  /** A room may give messages other ids: XEP-0045 promises the same only where it announces `muc#stable_id`. */
  reflected(id: string, frame: Frame): void {
    const known = this.#waiting.has(id) ? id : this.#idOf(frame);
    if (known !== undefined) this.#take(known)?.resolve();
  }

  /** `false` if we wait for no such message. */
  refused(id: string, error: BusError): boolean {
    const sent = this.#take(id);
    sent?.reject(error);
    return sent !== undefined;
  }

  clear(): void {
    this.#waiting.clear();
  }

  #idOf(frame: Frame): string | undefined {
    for (const [id, sent] of this.#waiting) if (sent.frame === frame) return id;
    return undefined;
  }

  #take(id: string): Unreflected | undefined {
    const sent = this.#waiting.get(id);
    this.#waiting.delete(id);
    return sent;
  }
}
