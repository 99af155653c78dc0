import { BusError } from '../bus/bus-error.ts';
import type { ContinuityEvent, InvalidationBus } from '../bus/invalidation-bus.ts';
import { Coherence } from '../protocol/coherence.ts';
import type { CallResult, Effect } from '../protocol/effect.ts';
import type { Input, SendOutcome, Wait } from '../protocol/input.ts';
import type { Origin } from '../protocol/message.ts';
import { isEmptySelection, regionsOf, type Selection } from '../protocol/selection.ts';
import type { Settings } from '../protocol/settings.ts';
import { Intake } from './intake.ts';
import { RegionBoard } from './region-board.ts';
import type { RegionTarget, RegionTrust } from './region.ts';
import type { Runtime } from './runtime.ts';
import { tell } from './telemetry.ts';

/** Drives the protocol: what the bus and the application say goes in, what is to be done comes out and is done. */
export class ClusterNode {
  readonly settings: Settings;
  readonly runtime: Runtime;
  readonly core: Coherence;
  readonly #intake: Intake;
  readonly #regions: RegionBoard;
  readonly #calls = new Map<number, (result: CallResult) => void>();
  readonly #features: string[] = [];
  #bus: InvalidationBus | undefined;
  #busOpen = false;
  #nextCall = 1;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs: number = Number.POSITIVE_INFINITY;
  #ended = false;
  readonly #readyWaiters = new Set<() => void>();
  /** Inputs that come while a step's effects are being carried out: taken after it, in order. */
  readonly #queue: Input[] = [];
  #stepping = false;

  constructor(settings: Settings, runtime: Runtime) {
    this.settings = { ...settings, features: this.#features };
    this.runtime = runtime;
    this.#intake = new Intake(runtime);
    this.#regions = new RegionBoard(settings.maxStalenessMs);
    this.core = new Coherence({
      settings: this.settings,
      random: () => runtime.random(),
      now: runtime.now(),
    });
  }

  get origin(): Origin {
    return this.core.origin;
  }

  /** It has left the cluster: nothing can be published any more. */
  get ended(): boolean {
    return this.#ended;
  }

  get busOpen(): boolean {
    return this.#busOpen;
  }

  /** Opens the bus; from then on what it says is heard here. */
  async open(bus: InvalidationBus, signal?: AbortSignal): Promise<void> {
    this.#bus = bus;
    const receiver = {
      onFrame: (frame: string): void => {
        this.#intake.push(frame.length, () => {
          this.step({ type: 'frame', frame });
        });
      },
      onForeign: (message: { text: string; id: string }): void => {
        this.#intake.push(message.text.length, () => {
          this.step({ type: 'foreign', message });
        });
      },
      onContinuity: (event: ContinuityEvent): void => {
        this.#intake.push(0, () => {
          this.#onContinuity(event);
        });
      },
    };
    await bus.open(receiver, signal === undefined ? {} : { signal });
    this.#busOpen = true;
    this.step({ type: 'bus', event: 'opened' });
  }

  addTarget(region: string, target: RegionTarget): RegionTrust {
    const trust = this.#regions.add(region, target);
    this.step({ type: 'region', region });
    return trust;
  }

  /** Tells the others, with the next beat, of something about this node that they must know. */
  announce(feature: string): void {
    if (!this.#features.includes(feature)) this.#features.push(feature);
  }

  /** Numbers, applies and publishes; resolves when `wait` is satisfied. */
  invalidate(selection: Selection, wait: Wait): Promise<CallResult> {
    if (isEmptySelection(selection)) return Promise.resolve(NOTHING_TO_DO);
    return this.#call((call) => ({ type: 'invalidate', call, selection, wait }));
  }

  /** Applies without publishing: for changes that every node hears of by other means. */
  applyLocally(selection: Selection): void {
    this.#regions.apply(selection, { by: 'local' });
  }

  /** Reserves a number for a write that is about to start; returns the guard to release it with. */
  reserve(selection: Selection): number {
    const guard = this.#nextCall;
    this.#nextCall += 1;
    this.step({ type: 'reserve', guard, selection });
    return guard;
  }

  release(guard: number, selection: Selection, wait: Wait): Promise<CallResult> {
    return this.#call((call) => ({ type: 'release', guard, call, selection, wait }));
  }

  /** Resolves once this node knows whom to require and is required by all of them (MEM-3). */
  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.core.members.ready) return;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#readyWaiters.delete(done);
        reject(signal?.reason);
      };
      const done = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#readyWaiters.add(done);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Says bye and lets go of the bus. What the broker has not accepted by then is given `flushMs`. */
  async close(options: { readonly flushMs: number; readonly lingerMs: number }): Promise<void> {
    if (this.#ended) return;
    if (this.#busOpen) {
      await this.#untilFlushed(options.flushMs);
      const told = this.core.members.size > 0 && this.core.publisher.seq > 0;
      this.step({ type: 'leave' });
      if (told && this.#busOpen) await this.#sleep(options.lingerMs);
    }
    this.step({ type: 'leave' });
    this.#ended = true;
    this.#cancelTimer?.();
    for (const settle of this.#calls.values()) settle({ by: 'local', acked: [], missing: [] });
    this.#calls.clear();
    await this.#bus?.close();
  }

  step(input: Input): void {
    if (this.#ended) return;
    this.#queue.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const effect of this.core.step(next, this.runtime.now())) this.#carryOut(effect);
    }
    this.#stepping = false;
    this.#setTimer();
  }

  #call(input: (call: number) => Input): Promise<CallResult> {
    const call = this.#nextCall;
    this.#nextCall += 1;
    return new Promise((resolve) => {
      this.#calls.set(call, resolve);
      this.step(input(call));
      // After the end nothing is published any more: it is applied nowhere, and says so.
      if (this.#ended && this.#calls.delete(call)) resolve({ by: 'local', acked: [], missing: [] });
    });
  }

  #carryOut(effect: Effect): void {
    const { cluster } = this.settings;
    switch (effect.type) {
      case 'send':
        this.#send(effect.id, effect.frame, effect.summary);
        return;
      case 'apply': {
        const { selection, cause } = effect;
        if (this.#intake.overloaded) this.#regions.flush(listOf(regionsOf(selection)), cause);
        else this.#regions.apply(selection, cause);
        tell('unstale:applied', { cluster, node: this.origin, selection, cause });
        return;
      }
      case 'fence':
        this.#regions.flush(effect.regions, effect.cause);
        return;
      case 'quarantine':
        this.#regions.quarantine(effect.guard, effect.selection);
        return;
      case 'lift':
        this.#regions.lift(effect.guard);
        return;
      case 'proof':
        this.#regions.prove(effect.region, effect.atMs);
        return;
      case 'bound':
        this.#regions.bound(effect.boundMs);
        return;
      case 'settle': {
        const settle = this.#calls.get(effect.call);
        this.#calls.delete(effect.call);
        settle?.(effect.result);
        return;
      }
      case 'report':
        tell('unstale:report', { cluster, node: this.origin, report: effect.report });
        if (effect.report.type === 'ready') this.#becameReady();
    }
  }

  #send(id: number, frame: string, summary: string | undefined): void {
    if (this.#bus === undefined) return;
    this.#bus.publish(frame, summary === undefined ? {} : { summary }).then(
      () => {
        this.step({ type: 'sent', id, outcome: 'accepted' });
      },
      (error: unknown) => {
        this.step({ type: 'sent', id, outcome: outcomeOf(error) });
      },
    );
  }

  #onContinuity(event: ContinuityEvent): void {
    tell('unstale:continuity', { cluster: this.settings.cluster, node: this.origin, event });
    switch (event.type) {
      case 'interrupted':
        this.#busOpen = false;
        this.step({ type: 'bus', event: 'interrupted' });
        return;
      case 'resumed':
        this.#busOpen = true;
        this.step({ type: 'bus', event: event.loss === 'none' ? 'lossless' : 'discontinuity' });
        return;
      case 'gap':
        this.step({ type: 'bus', event: 'discontinuity' });
        return;
      case 'failed':
        this.#busOpen = false;
        this.step({ type: 'bus', event: 'failed' });
    }
  }

  #becameReady(): void {
    for (const done of this.#readyWaiters) done();
    this.#readyWaiters.clear();
  }

  #setTimer(): void {
    const atMs = this.core.wakeAtMs;
    if (this.#ended) return;
    // A timer that fires too early finds nothing to do; setting it anew for every frame would cost more.
    if (this.#cancelTimer !== undefined && this.#timerAtMs <= atMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, Math.ceil(atMs - this.runtime.now().monoMs));
    this.#cancelTimer = this.runtime.setTimer(() => {
      this.#cancelTimer = undefined;
      this.step({ type: 'timer' });
    }, delayMs);
  }

  async #untilFlushed(flushMs: number): Promise<void> {
    const endMs = this.runtime.now().monoMs + flushMs;
    while (this.core.publisher.unsent > 0 && this.#busOpen && this.runtime.now().monoMs < endMs) {
      await this.#sleep(FLUSH_CHECK_MS);
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.setTimer(resolve, delayMs);
    });
  }
}

/** How often closing looks whether everything has been accepted. */
const FLUSH_CHECK_MS = 10;

const NOTHING_TO_DO: CallResult = { by: 'bus', acked: [], missing: [] };

function outcomeOf(error: unknown): SendOutcome {
  const refused =
    error instanceof BusError &&
    (error.code === 'BUS_REJECTED' || error.code === 'BUS_FRAME_TOO_LARGE');
  return refused ? 'rejected' : 'unconfirmed';
}

function listOf(regions: ReadonlySet<string> | 'all'): readonly string[] | 'all' {
  return regions === 'all' ? 'all' : [...regions];
}
