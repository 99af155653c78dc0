import type {
  BusError,
  BusReceiver,
  ContinuityEvent,
  ForeignMessage,
  InvalidationBus,
} from '../src/index.ts';
import type { Line } from './line.ts';

/** One thing that a bus told its receiver. */
export type Heard =
  | { readonly kind: 'frame'; readonly frame: string }
  | { readonly kind: 'foreign'; readonly message: ForeignMessage }
  | { readonly kind: 'continuity'; readonly event: ContinuityEvent };

/**
 * A bus and all that it was told, frames and events in one list. Tests wait on what was heard, never on a
 * clock; the bound of a wait is there so that a failure says what did not come.
 */
export class Member {
  readonly name: string;
  readonly bus: InvalidationBus;
  readonly line: Line;
  readonly receiver: BusReceiver;
  readonly #patienceMs: number;
  readonly #heard: Heard[] = [];
  readonly #frameCounts = new Map<string, number>();
  readonly #checks = new Set<() => void>();

  constructor(options: {
    readonly name: string;
    readonly bus: InvalidationBus;
    readonly line: Line;
    readonly patienceMs: number;
    /** Called after something was noted; may throw, to be a bad receiver. */
    readonly onHeard?: ((heard: Heard) => void) | undefined;
  }) {
    this.name = options.name;
    this.bus = options.bus;
    this.line = options.line;
    this.#patienceMs = options.patienceMs;
    const note = (heard: Heard): void => {
      this.#heard.push(heard);
      if (heard.kind === 'frame') {
        this.#frameCounts.set(heard.frame, this.times(heard.frame) + 1);
      }
      for (const check of Array.from(this.#checks)) check();
      options.onHeard?.(heard);
    };
    this.receiver = {
      onFrame(frame) {
        note({ kind: 'frame', frame });
      },
      onForeign(message) {
        note({ kind: 'foreign', message });
      },
      onContinuity(event) {
        note({ kind: 'continuity', event });
      },
    };
  }

  get heard(): readonly Heard[] {
    return this.#heard;
  }

  /** Drops what was heard so far, where a test hears more than it can keep. */
  forget(): void {
    this.#heard.length = 0;
    this.#frameCounts.clear();
  }

  /** How often a frame was heard. */
  times(frame: string): number {
    return this.#frameCounts.get(frame) ?? 0;
  }

  /** The frames heard since a mark (`heard.length` at that time). */
  frames(from = 0): string[] {
    return this.#heard
      .slice(from)
      .flatMap((heard) => (heard.kind === 'frame' ? [heard.frame] : []));
  }

  foreign(from = 0): ForeignMessage[] {
    return this.#heard
      .slice(from)
      .flatMap((heard) => (heard.kind === 'foreign' ? [heard.message] : []));
  }

  continuity(from = 0): ContinuityEvent[] {
    return this.#heard
      .slice(from)
      .flatMap((heard) => (heard.kind === 'continuity' ? [heard.event] : []));
  }

  /** Waits until `condition` holds; looks again after everything that is heard. */
  async until(what: string, condition: () => boolean, withinMs?: number): Promise<void> {
    const boundMs = withinMs ?? this.#patienceMs;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#checks.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#checks.delete(check);
        reject(
          new Error(
            `${this.name} did not hear ${what} within ${boundMs} ms; it heard ${this.#summary()}`,
          ),
        );
      }, boundMs);
      this.#checks.add(check);
      check();
    });
  }

  async hearsFrame(frame: string): Promise<void> {
    await this.until(`the frame ${excerpt(frame)}`, () => this.times(frame) > 0);
  }

  /** Waits for the first event of that type since the mark. */
  async hears<T extends ContinuityEvent['type']>(
    type: T,
    options: { readonly from?: number; readonly withinMs?: number } = {},
  ): Promise<Extract<ContinuityEvent, { type: T }>> {
    const { from = 0, withinMs } = options;
    let found: Extract<ContinuityEvent, { type: T }> | undefined;
    const look = (): boolean => {
      found = this.continuity(from).find((event) => isOfType(event, type));
      return found !== undefined;
    };
    await this.until(`\`${type}\``, look, withinMs);
    if (found === undefined) throw new Error('unreachable: `until` resolved without a find');
    return found;
  }

  #summary(): string {
    const shown = this.#heard.slice(-12).map((heard) => describeHeard(heard));
    const more = this.#heard.length - shown.length;
    if (shown.length === 0) return 'nothing';
    return `${more > 0 ? `${more} others, then ` : ''}${shown.join(', ')}`;
  }
}

function isOfType<T extends ContinuityEvent['type']>(
  event: ContinuityEvent,
  type: T,
): event is Extract<ContinuityEvent, { type: T }> {
  return event.type === type;
}

function describeHeard(heard: Heard): string {
  if (heard.kind === 'frame') return `frame ${excerpt(heard.frame)}`;
  if (heard.kind === 'foreign') return `foreign ${excerpt(heard.message.text)}`;
  return describeEvent(heard.event);
}

function describeEvent(event: ContinuityEvent): string {
  if (event.type === 'resumed') return `resumed (loss: ${event.loss})`;
  return `${event.type} (${describeCause(event.cause)})`;
}

function describeCause(cause: BusError): string {
  return `${cause.code}: ${cause.message}`;
}

/** Enough of a text to know it by. */
export function excerpt(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 57)}… (${text.length} characters)` : text;
  return JSON.stringify(shown);
}
