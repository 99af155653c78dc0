import { RegionBoard } from '../../src/cluster/region-board.ts';
import { Coherence } from '../../src/protocol/coherence.ts';
import type { CallResult, Effect } from '../../src/protocol/effect.ts';
import type { ForeignText, Input, Wait } from '../../src/protocol/input.ts';
import type { Origin } from '../../src/protocol/message.ts';
import type { Selection } from '../../src/protocol/selection.ts';
import type { Settings } from '../../src/protocol/settings.ts';
import { Life } from './life.ts';
import type { EndWrite, LoadPlan, Member, MemberOptions } from './member.ts';
import type { Port } from './port.ts';
import type { NodeClock } from './node-clock.ts';
import { SimCache } from './sim-cache.ts';
import { tellBoard } from './tell-board.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/**
 * One incarnation of a node: the production core, region board and store, driven by the virtual clock.
 * The production shell does the same with promises and real timers.
 */
export class CoreMember implements Member {
  readonly name: string;
  readonly port: Port;
  readonly clock: NodeClock;
  readonly core: Coherence;
  readonly settings: Settings;
  readonly witness: Witness;
  readonly life: Life = new Life();
  readonly #caches: ReadonlyMap<string, SimCache>;
  readonly #world: World;
  readonly #board: RegionBoard;
  readonly #calls = new Map<number, (result: CallResult) => void>();
  #nextCall = 1;
  /** Tells the timer that counts from those that were replaced. */
  #timer = 0;
  #timerAtMonoMs: number = Number.POSITIVE_INFINITY;
  #origin: Origin;
  /** The clone that this machine will have. */
  #copy: CoreMember | undefined;
  /** It is not a machine of its own yet: it does what the other one does, and nobody hears of it. */
  #isSilent = false;
  /** Guards of writes that were under way when it became one. */
  #inherited: readonly number[] = [];
  readonly #guards = new Set<number>();

  constructor(world: World, options: MemberOptions) {
    this.#world = world;
    this.name = options.name;
    this.port = options.port;
    this.clock = options.clock;
    this.settings = options.settings;
    this.witness = options.witness;
    this.core = new Coherence({
      settings: options.settings,
      random: options.random,
      now: this.clock.instant(world.nowMs),
      decode: world.decode,
    });
    this.#origin = this.core.origin;
    this.#board = new RegionBoard(options.settings.maxStalenessMs);
    this.#caches = new Map(world.plan.regions.map((region) => [region, this.#makeCache(region)]));
    world.born(this.#origin);
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** Attaches to the bus and takes part. */
  start(): void {
    for (const region of this.#world.plan.regions) this.#step({ type: 'region', region });
    this.#world.network.attach(this.port, this);
    this.#step({ type: 'bus', event: 'opened' });
  }

  /** `copy`, made of the same options, takes in whatever this machine does, until they are parted. */
  shadow(copy: CoreMember): void {
    copy.#isSilent = true;
    this.#copy = copy;
  }

  /** The machine is cloned as it stands: there are two of them now, and each goes its own way. */
  part(): CoreMember {
    const copy = this.#copy;
    if (copy === undefined) throw new TypeError(`${this.name} has no copy`);
    this.#copy = undefined;
    copy.#isSilent = false;
    copy.#nextCall = this.#nextCall;
    copy.#inherited = [...this.#guards];
    copy.#setTimer();
    return copy;
  }

  /** Ends of the guarded writes that were under way when it was cloned: its application has them as well. */
  inherited(): EndWrite[] {
    return this.#inherited.map((guard) => this.#endOf(guard));
  }

  frame(frame: string): void {
    this.#hear({ type: 'frame', frame });
  }

  foreign(message: ForeignText): void {
    this.#hear({ type: 'foreign', message });
  }

  interrupted(): void {
    this.#hear({ type: 'bus', event: 'interrupted' });
  }

  attached(lossless: boolean): void {
    this.#hear({ type: 'bus', event: lossless ? 'lossless' : 'discontinuity' });
  }

  gap(): void {
    this.#hear({ type: 'bus', event: 'discontinuity' });
  }

  invalidate(selection: Selection, wait: Wait, settled: (result: CallResult) => void): void {
    const call = this.#call(settled);
    this.#step({ type: 'invalidate', call, selection, wait });
  }

  guard(selection: Selection): EndWrite {
    const guard = this.#nextCall;
    this.#nextCall += 1;
    this.#guards.add(guard);
    this.#step({ type: 'reserve', guard, selection });
    return this.#endOf(guard);
  }

  peek(region: string, key: string): number | undefined {
    return this.#caches.get(region)?.serveable(key);
  }

  isProven(region: string): boolean {
    return this.#caches.get(region)?.proven === true;
  }

  load(region: string, key: string, plan: LoadPlan): void {
    this.#copy?.load(region, key, plan);
    const world = this.#world;
    const { latencyMs, readsAfterMs } = plan;
    const cache = this.#caches.get(region);
    const flight = cache?.load(key, world.nowMs);
    if (cache === undefined || flight === undefined) {
      world.count('load joined');
      return;
    }
    const id = `${region}/${key}`;
    const startMs = world.nowMs;
    world.at(startMs + latencyMs, () => {
      this.life.do(() => {
        if (readsAfterMs === undefined) {
          cache.failed(flight);
          return;
        }
        const version = world.source.versionAt(id, startMs + readsAfterMs);
        world.trace.line(world.nowMs, () => `${this.name} has loaded ${id}: version ${version}`);
        cache.loaded(flight, version);
        for (const atMs of flight.joinedAtMs) world.invariants.served(this, id, version, atMs);
      });
    });
  }

  pause(untilMs: number, frozen = false): void {
    if (!this.life.pause()) return;
    if (frozen) this.clock.freeze(this.#world.nowMs);
    this.#world.at(untilMs, () => {
      this.resume();
    });
  }

  resume(): void {
    this.life.resume(() => {
      const { nowMs } = this.#world;
      this.clock.thaw(nowMs);
      this.#timerAtMonoMs = Number.POSITIVE_INFINITY;
      this.#timer += 1;
      if (this.core.wakeAtMs <= this.clock.monoMs(nowMs)) this.#step({ type: 'timer' });
      else this.#setTimer();
    });
  }

  crash(): void {
    if (this.life.end()) this.#world.ended(this);
  }

  leave(lingerMs: number): void {
    if (!this.life.leave()) return;
    this.#step({ type: 'leave' });
    this.#world.at(this.#world.nowMs + lingerMs, () => {
      this.crash();
    });
  }

  #endOf(guard: number): EndWrite {
    return (selection, wait, settled) => {
      const call = this.#call(settled);
      this.#guards.delete(guard);
      this.#step({ type: 'release', guard, call, selection, wait });
    };
  }

  #call(settled: (result: CallResult) => void): number {
    const call = this.#nextCall;
    this.#nextCall += 1;
    this.#calls.set(call, settled);
    return call;
  }

  /** Now, after its pause, or never. */
  #hear(input: Input): void {
    this.life.do(() => {
      this.#step(input);
    });
  }

  #step(input: Input): void {
    const world = this.#world;
    const now = this.clock.instant(world.nowMs);
    const effects = this.core.step(input, now);
    if (this.core.origin !== this.#origin) {
      world.born(this.core.origin, this.#origin);
      this.#origin = this.core.origin;
    }
    world.ledgers.get(this.#origin)?.assigned(this.core.publisher.seq, world.nowMs);
    for (const effect of effects) this.#carryOut(effect, now.localMs);
    this.#setTimer();
    world.stepped(this, input, effects);
    if (this.#copy !== undefined) this.#copy.#step(input);
  }

  #carryOut(effect: Effect, localMs: number): void {
    if (effect.type === 'send') this.#send(effect.id, effect.frame, localMs);
    else if (effect.type === 'report') this.#world.reported(this, effect.report);
    else if (effect.type === 'settle') {
      const settled = this.#calls.get(effect.call);
      this.#calls.delete(effect.call);
      settled?.(effect.result);
    } else tellBoard(this.#board, effect);
  }

  #send(id: number, frame: string, localMs: number): void {
    const message = this.#isSilent
      ? this.#world.messageOf(frame)?.type
      : this.#world.sent(this, frame);
    if (message === 'beat') this.witness.emitted(localMs, this.#world.nowMs);
    if (this.#isSilent) return;
    // The core ignores what becomes of a control frame.
    const carriesBatch = message === 'inv' || message === 'rep';
    this.#world.network.publish(
      this.port,
      frame,
      carriesBatch ? (outcome) => this.#hear({ type: 'sent', id, outcome }) : undefined,
    );
  }

  #setTimer(): void {
    const atMs = this.core.wakeAtMs;
    if (this.#isSilent) return;
    if (this.#timerAtMonoMs <= atMs || atMs === Number.POSITIVE_INFINITY) return;
    const { nowMs } = this.#world;
    this.#timerAtMonoMs = atMs;
    this.#timer += 1;
    const timer = this.#timer;
    // Node's timers are whole milliseconds, and never early.
    const delayMs = Math.max(1, Math.ceil(atMs - this.clock.monoMs(nowMs)));
    this.#world.at(this.clock.afterMs(nowMs, delayMs) + this.#world.timerLatenessMs(), () => {
      if (timer !== this.#timer || this.life.hasEnded || this.life.isPaused) return;
      this.#timerAtMonoMs = Number.POSITIVE_INFINITY;
      this.#step({ type: 'timer' });
    });
  }

  #makeCache(region: string): SimCache {
    const cache = new SimCache({
      name: this.name,
      region,
      plan: this.#world.plan,
      ticketsProtect: this.settings.protections.tickets,
      complain: this.#world.complain,
      localMs: () => this.clock.localMs(this.#world.nowMs),
    });
    cache.follow(this.#board.add(region, cache));
    return cache;
  }
}
