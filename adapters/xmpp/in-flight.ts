import { BusError, type Frame } from '../../src/index.ts';

/**
 * Frames sent and not reflected yet, at most; more wait here. Servers end the session of a client for which more
 * than some number of stanzas wait to be acknowledged (ejabberd `max_ack_queue`, Prosody `smacks_max_queue_size`:
 * thousands), and it is the publisher who could fill all those queues at once.
 */
const WINDOW = 256;
interface Sent {
  readonly frame: Frame;
  readonly send: () => void;
  sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The frames that wait to be sent, or to be reflected by the room. How many there are at most is the engine's to say. */
export class InFlight {
  readonly #giveUpAfterMs: number;
  readonly #sent = new Map<string, Sent>();
  readonly #waiting = new Map<string, Sent>();

  /** `giveUpAfterMs`: when the caller has been told that nobody confirmed the frame. */
  constructor(giveUpAfterMs: number) {
    this.#giveUpAfterMs = giveUpAfterMs;
  }

  /** Sends when there is room in the window. Resolves when the frame is reflected; what becomes of it when the line breaks is told by the engine. */
  pass(id: string, frame: Frame, send: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { frame, send, sinceMs: performance.now(), resolve, reject });
      this.#pump();
    });
  }

  /** A room may give messages other ids: XEP-0045 promises the same only where it announces `muc#stable_id`. */
  reflected(id: string, frame: Frame): void {
    const known = this.#sent.has(id) ? id : this.#idOf(frame);
    if (known === undefined) return;
    // The room takes the messages of one occupant in their order: it has dropped what was before this one.
    for (const earlier of this.#sent.keys()) {
      if (earlier === known) break;
      this.refused(
        earlier,
        new BusError('BUS_UNCONFIRMED', 'the room has reflected a later frame'),
      );
    }
    this.#take(known)?.resolve();
    this.#pump();
  }

  /** `false` if we wait for no such message. */
  refused(id: string, error: BusError): boolean {
    const sent = this.#take(id);
    sent?.reject(error);
    this.#pump();
    return sent !== undefined;
  }

  clear(): void {
    this.#sent.clear();
    this.#waiting.clear();
  }

  #pump(): void {
    const staleMs = performance.now() - this.#giveUpAfterMs;
    for (const [id, next] of this.#waiting) {
      if (next.sinceMs > staleMs) {
        if (this.#sent.size >= WINDOW && !this.#giveUpOldest(staleMs)) return;
        this.#send(id, next);
      }
      this.#waiting.delete(id);
    }
  }

  #send(id: string, next: Sent): void {
    next.sinceMs = performance.now();
    this.#sent.set(id, next);
    try {
      next.send();
    } catch (error) {
      this.#take(id)?.reject(error);
    }
  }

  /** Otherwise frames that a room has swallowed would block all that follow. */
  #giveUpOldest(staleMs: number): boolean {
    for (const [id, { sinceMs }] of this.#sent) {
      if (sinceMs > staleMs) return false;
      this.#sent.delete(id);
      return true;
    }
    return false;
  }

  #idOf(frame: Frame): string | undefined {
    for (const [id, sent] of this.#sent) if (sent.frame === frame) return id;
    return undefined;
  }

  #take(id: string): Sent | undefined {
    const sent = this.#sent.get(id);
    this.#sent.delete(id);
    return sent;
  }
}
