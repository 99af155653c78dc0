/** What a process is doing. `leaving`: it has said bye and lingers. */
export type LifeState = 'running' | 'paused' | 'leaving' | 'ended';

/** Endings that a process is asked to act upon; the oldest are forgotten. */
const REMEMBERED_ENDINGS = 64;

/** The life of one simulated process: it may stand still, and then what came meanwhile happens afterwards, in order. */
export class Life {
  #state: LifeState = 'running';
  #backlog: (() => void)[] = [];
  readonly #endings: (() => void)[] = [];

  get state(): LifeState {
    return this.#state;
  }

  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Its process exists and it has not said that it leaves. */
  get works(): boolean {
    return this.#state === 'running' || this.#state === 'paused';
  }

  /** Does it now, after the pause, or never. */
  do(action: () => void): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'paused') this.#backlog.push(action);
    else action();
  }

  /** `false` if it does not run now. */
  pause(): boolean {
    if (this.#state !== 'running') return false;
    this.#state = 'paused';
    return true;
  }

  /** Goes on: `first` before everything else, because timers run before the socket is read. */
  resume(first: () => void): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    first();
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const action of backlog) this.do(action);
  }

  /** `false` if it cannot leave now. */
  leave(): boolean {
    if (this.#state !== 'running') return false;
    this.#state = 'leaving';
    return true;
  }

  /** `false` if it had ended before. */
  end(): boolean {
    if (this.#state === 'ended') return false;
    this.#state = 'ended';
    this.#backlog = [];
    for (const action of this.#endings) action();
    return true;
  }

  /** Calls `action` when the process ends. */
  atEnd(action: () => void): void {
    this.#endings.push(action);
    if (this.#endings.length > REMEMBERED_ENDINGS) this.#endings.shift();
  }
}
