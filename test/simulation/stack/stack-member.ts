import { createBus } from '../../../src/bus/create-bus.ts';
import type { InvalidationBus } from '../../../src/bus/invalidation-bus.ts';
import { CoherentCache } from '../../../src/cache/coherent-cache.ts';
import { ClusterNode } from '../../../src/cluster/node.ts';
import type { Coherence } from '../../../src/protocol/coherence.ts';
import type { CallResult, Effect } from '../../../src/protocol/effect.ts';
import type { ForeignText, Wait } from '../../../src/protocol/input.ts';
import type { Instant } from '../../../src/protocol/instant.ts';
import type { Origin } from '../../../src/protocol/message.ts';
import type { Selection } from '../../../src/protocol/selection.ts';
import type { Settings } from '../../../src/protocol/settings.ts';
import { Life } from '../life.ts';
import type { EndWrite, LoadPlan, Member, MemberOptions } from '../member.ts';
import type { Port } from '../port.ts';
import type { NodeClock } from '../node-clock.ts';
import type { Witness } from '../witness.ts';
import type { World } from '../world.ts';
import { VirtualDriver } from './virtual-driver.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/** One incarnation of a node with everything that production has: bus engine, shell, core and caches. */
export class StackMember implements Member {
  readonly name: string;
  readonly port: Port;
  readonly clock: NodeClock;
  readonly settings: Settings;
  readonly witness: Witness;
  readonly life: Life = new Life();
  readonly #world: World;
  readonly #runtime: VirtualRuntime;
  readonly #node: ClusterNode;
  readonly #driver: VirtualDriver;
  readonly #bus: InvalidationBus;
  readonly #caches: ReadonlyMap<string, CoherentCache<number>>;
  #origin: Origin;

  constructor(world: World, options: MemberOptions) {
    this.#world = world;
    this.name = options.name;
    this.port = options.port;
    this.clock = options.clock;
    this.settings = options.settings;
    this.witness = options.witness;
    const { clock, life } = this;
    this.#runtime = new VirtualRuntime(world, { clock, life, random: options.random });
    this.#driver = new VirtualDriver(world, options.port, life);
    this.#bus = createBus(this.#driver, {
      timers: this.#runtime,
      // Sooner than by default, so that a short schedule sees it.
      loopbackTimeoutMs: 2 * world.plan.maxStalenessMs,
      confirmTimeoutMs: 2 * world.plan.maxStalenessMs,
      random: options.random,
      onReceiverError: (error) => {
        world.failed(error);
      },
    });
    this.#node = new ClusterNode(options.settings, this.#runtime);
    this.#origin = this.core.origin;
    this.#watch(this.core);
    world.born(this.#origin);
    const { maxEntries, onUnproven, replicaLagMs } = world.plan;
    this.#caches = new Map(
      world.plan.regions.map((region) => [
        region,
        new CoherentCache<number>(this.#node, region, {
          maxEntries,
          onUnproven,
          settleMs: replicaLagMs,
        }),
      ]),
    );
  }

  get core(): Coherence {
    return this.#node.core;
  }

  get origin(): Origin {
    return this.#origin;
  }

  start(): void {
    this.#node.open(this.#bus).catch((error: unknown) => {
      this.#world.failed(error);
    });
  }

  frame(frame: string): void {
    this.#driver.frame(frame);
  }

  foreign(message: ForeignText): void {
    this.#driver.foreign(message);
  }

  interrupted(): void {
    this.#driver.interrupted();
  }

  attached(lossless: boolean): void {
    this.#driver.attached(lossless);
  }

  gap(): void {
    this.#driver.gap();
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
      this.clock.thaw(this.#world.nowMs);
      this.#runtime.fireOverdue();
    });
  }

  crash(): void {
    if (this.life.end()) this.#world.ended(this);
  }

  leave(lingerMs: number): void {
    if (!this.life.leave()) return;
    for (const cache of this.#caches.values()) cache.close();
    this.#node.close({ flushMs: 2_000, lingerMs }).then(
      () => {
        this.crash();
      },
      (error: unknown) => {
        this.#world.failed(error);
      },
    );
  }

  peek(region: string, key: string): number | undefined {
    return this.#caches.get(region)?.peek(key);
  }

  isProven(region: string): boolean {
    return this.#runtime.localMs() - this.core.members.proofMs(region) < this.core.boundMs;
  }

  load(region: string, key: string, { latencyMs, readsAfterMs }: LoadPlan): void {
    const world = this.#world;
    const id = `${region}/${key}`;
    const calledAtMs = world.nowMs;
    const load = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const startMs = world.nowMs;
        world.at(startMs + latencyMs, () => {
          this.life.do(() => {
            if (readsAfterMs === undefined) reject(new Error('the source has failed'));
            else resolve(world.source.versionAt(id, startMs + readsAfterMs));
          });
        });
      });
    this.#caches
      .get(region)
      ?.get(key, { load })
      .then(
        (version) => {
          world.check(() => {
            world.trace.note(version);
            world.invariants.served(this, id, version, calledAtMs);
          });
        },
        () => {
          world.count('load failed');
        },
      );
  }

  invalidate(selection: Selection, wait: Wait, settled: (result: CallResult) => void): void {
    this.#node.invalidate(selection, wait).then(
      (result) => {
        this.#world.check(() => {
          settled(result);
        });
      },
      (error: unknown) => {
        this.#world.failed(error);
      },
    );
  }

  guard(selection: Selection): EndWrite {
    const [region = '', keys = []] = Object.entries(selection.keys ?? {})[0] ?? [];
    const cache = this.#caches.get(region);
    let end: (published: Selection, wait: Wait, settled: (result: CallResult) => void) => void;
    // The application's own way is `write`; only the core knows of an abort and of the result of the wait.
    const written = new Promise<void>((resolve) => {
      end = () => {
        resolve();
      };
    });
    const writing = cache?.write(keys, () => written);
    writing?.catch((error: unknown) => {
      if (this.life.works) this.#world.failed(error);
    });
    return (published, wait, settled) => {
      end(published, wait, settled);
    };
  }

  /** Looks at every step of the core, as the production shell takes it. */
  #watch(core: Coherence): void {
    const step = core.step.bind(core);
    core.step = (input, now) => {
      const effects = step(input, now);
      this.#world.check(() => {
        this.#stepped(effects, now);
        this.#world.stepped(this, input, effects);
      });
      return effects;
    };
  }

  #stepped(effects: readonly Effect[], now: Instant): void {
    const world = this.#world;
    if (this.core.origin !== this.#origin) {
      const { origin } = this.core;
      world.born(origin, this.#origin);
      this.#origin = origin;
    }
    world.ledgers.get(this.#origin)?.assigned(this.core.publisher.seq, world.nowMs);
    for (const effect of effects) {
      if (effect.type === 'report') world.reported(this, effect.report);
      if (effect.type !== 'send') continue;
      if (world.sent(this, effect.frame) === 'beat') this.witness.emitted(now.localMs, world.nowMs);
    }
  }
}
