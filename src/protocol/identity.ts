import { hash } from './hash.ts';
import type { Host } from './host.ts';
import type { Message, Origin } from './message.ts';
import { OwnFrames } from './own-frames.ts';

/** A node that takes new names all the time would fill the others' memory. */
const SHORTEST_LIFE_MS = 1_000;

/** Former origins that are remembered, in case somebody else goes on under them. */
const FORMER = 64;

/** Who still uses a former origin is told so again after this, in ms. */
const TELL_AGAIN_MS = 250;

/** What this node has said of itself so far. */
export interface Said {
  readonly seq: number;
  readonly beat: number;
  readonly left: boolean;
}

/** The origin of this node, and whether somebody else uses it, too (ID-1, ID-2). */
export class Identity {
  readonly #host: Host;
  #origin: Origin;
  #frames = new OwnFrames();
  #takenAtMs: number;
  #doubted = false;
  /** The hash of the frame that gave rise to the doubt. */
  #because = 0;

  /** Doubted origins of the past, and when somebody who uses one was told so last. */
  readonly #former = new Map<Origin, number>();

  constructor(host: Host) {
    this.#host = host;
    this.#origin = this.#newOrigin();
    this.#takenAtMs = host.now.monoMs - SHORTEST_LIFE_MS;
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** Another one is due: it was doubted, and is not too young. */
  get dueAtMs(): number {
    return this.#doubted ? this.#takenAtMs + SHORTEST_LIFE_MS : Number.POSITIVE_INFINITY;
  }

  /** A frame goes out under this origin, by which it can be known again. */
  sent(name: string, frame: string): void {
    this.#frames.sent(name, frame);
  }

  /** Whether a frame is one of this node's own that comes back. */
  isEcho(frame: string): boolean {
    return this.#frames.isEcho(frame);
  }

  /** A message bears this origin: somebody else uses it if this node never said that. */
  heard(message: Message, frame: string, said: Said): void {
    const unsaid =
      (message.type === 'inv' && message.seq > said.seq) ||
      (message.type === 'rep' && message.range[1] > said.seq) ||
      (message.type === 'beat' && message.beat > said.beat) ||
      (message.type === 'bye' && !said.left);
    if (unsaid || !this.#frames.isMine(nameOf(message), frame)) this.doubt(hash(frame));
  }

  /** The others know things of this origin that are not so; `because`: of a frame that this node never sent. */
  doubt(because = 0): void {
    this.#because = because;
    this.#doubted = this.#host.settings.protections.renewOrigin;
  }

  /**
   * `true` if `origin` was doubted here and given up, and whoever goes on using it is to be told now: what two have said
   * under one name is mixed up for the others, and stays so for as long as one of them keeps it.
   */
  mustTell(origin: Origin): boolean {
    const toldAtMs = this.#former.get(origin);
    const { monoMs } = this.#host.now;
    if (toldAtMs === undefined || monoMs - toldAtMs < TELL_AGAIN_MS) return false;
    this.#former.set(origin, monoMs);
    return true;
  }

  renew(): void {
    if (this.#doubted) this.#giveUp(this.#origin);
    this.#origin = this.#newOrigin();
    this.#frames = new OwnFrames();
    this.#takenAtMs = this.#host.now.monoMs;
    this.#doubted = false;
  }

  #giveUp(origin: Origin): void {
    this.#former.set(origin, Number.NEGATIVE_INFINITY);
    if (this.#former.size <= FORMER) return;
    const [oldest] = this.#former.keys();
    if (oldest !== undefined) this.#former.delete(oldest);
  }

  /**
   * 64 random bits in base 32 (ID-1). Clones may have the state of the random generator in common, too, and
   * would rename themselves in step for ever; but each has heard another frame than the other.
   */
  #newOrigin(): Origin {
    let epoch = '';
    for (let digit = 0; digit < 13; digit += 1) {
      const chance = Math.floor(this.#host.random() * 32);
      epoch += (chance ^ ((this.#because >>> (5 * (digit % 6))) & 31)).toString(32);
    }
    return `${this.#host.settings.label}/${epoch}`;
  }
}

/** What names a frame among those of one origin. */
function nameOf(message: Message): string {
  if (message.type === 'inv') return `inv ${message.seq}`;
  return message.type === 'beat' ? `beat ${message.beat}` : message.type;
}
