import { memoryBus, memoryNetwork } from '../../../../adapters/memory/index.ts';
import { CoherentCache } from '../../../../src/cache/coherent-cache.ts';
import { Store } from '../../../../src/cache/store.ts';
import { resolveSettings } from '../../../../src/cluster/cluster-options.ts';
import { ClusterNode } from '../../../../src/cluster/node.ts';
import type { RegionTarget, RegionTrust } from '../../../../src/cluster/region.ts';
import type { LoadContext } from '../../../../src/index.ts';
import { encode } from '../../../../src/protocol/codec.ts';
import { Gate } from '../gate.ts';
import { turn, VirtualRuntime } from '../virtual-runtime.ts';
import { History, tagsOf, type Version } from './history.ts';

export const BOUND_MS = 3_000;
const TTL_MS = 2_000;
const CHANNEL = 'model';

/** Opens a door on purpose: changes what a store does. */
export type Door = (store: Store<Version>) => void;

interface Pending {
  readonly answer: () => void;
  readonly fail: () => void;
}

interface Kept {
  readonly version: Version;
  readonly readAtMs: number;
}

/** A node whose store may have a door. */
class LeakyNode extends ClusterNode {
  door: Door | undefined;

  override addTarget(region: string, target: RegionTarget): RegionTrust {
    // Tests make no targets but stores of versions.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (target instanceof Store) this.door?.(target as Store<Version>);
    return super.addTarget(region, target);
  }
}

/** One cache, a source whose answers wait for the test, and the model that watches. */
export class World {
  readonly history: History = new History();
  readonly runtime: VirtualRuntime = new VirtualRuntime();
  readonly cache: CoherentCache<Version>;
  readonly node: LeakyNode;
  readonly #network = memoryNetwork();
  readonly #pending: Pending[] = [];
  readonly #writes: (() => Promise<void>)[] = [];
  readonly #level: Map<string, Kept> | undefined;
  readonly #reads: Promise<unknown>[] = [];

  private constructor(options: { readonly door: Door | undefined; readonly secondLevel: boolean }) {
    const settings = resolveSettings(
      {
        name: CHANNEL,
        bus: memoryBus({ channel: CHANNEL }),
        maxStalenessMs: BOUND_MS,
        expectedNodes: 1,
      },
      { maxFrameBytes: 65_536 },
    );
    this.#level = options.secondLevel ? new Map() : undefined;
    this.node = new LeakyNode(settings, this.runtime);
    this.node.door = options.door;
    this.cache = new CoherentCache<Version>(this.node, 'r', {
      maxEntries: 3,
      ttlMs: TTL_MS,
      refreshAheadMs: TTL_MS / 2,
      serveStaleOnErrorMs: 100_000,
      loadTimeoutMs: 1_000_000,
      keepInvalidated: true,
      sharedLevel: options.secondLevel,
      tags: (_, version) => tagsOf(version),
      load: (key, context) => this.#load(key, context),
      loadMany: async (keys, context) => {
        const versions = keys.map((key) => this.#read(key, context));
        await this.#wait();
        return new Map(versions.map((version) => [version.key, version]));
      },
    });
  }

  static async make(options: {
    readonly door?: Door;
    readonly secondLevel?: boolean;
  }): Promise<World> {
    const { door, secondLevel = false } = options;
    const world = new World({ door, secondLevel });
    await world.node.open(memoryBus({ channel: CHANNEL, network: world.#network }));
    await world.pass(2_000);
    return world;
  }

  /** A read; its value is checked when it comes. */
  read(how: 'get' | 'getMany' | 'getEntry' | 'peek', keys: readonly string[]): void {
    const began = { at: this.history.next(), ms: this.runtime.localMs() };
    const check = (version: Version | undefined): void => {
      if (version !== undefined) this.history.check(version, began, BOUND_MS);
    };
    const [key = ''] = keys;
    switch (how) {
      case 'peek':
        check(this.cache.peek(key));
        return;
      case 'get':
        this.#reads.push(this.cache.get(key).then(check, ignored));
        return;
      case 'getEntry':
        this.#reads.push(this.cache.getEntry(key).then(({ value }) => check(value), ignored));
        return;
      case 'getMany':
        this.#reads.push(
          this.cache.getMany(keys).then((found) => {
            for (const version of found.values()) check(version);
          }, ignored),
        );
    }
  }

  /** One of the loads that wait comes to its end. */
  settle(which: number, fails: boolean): void {
    const [pending] = this.#pending.splice(which % Math.max(1, this.#pending.length), 1);
    if (fails) pending?.fail();
    else pending?.answer();
  }

  commit(key: string, { told = true }: { readonly told?: boolean } = {}): void {
    this.history.commit(key, told ? this.runtime.localMs() : Number.POSITIVE_INFINITY);
  }

  /** A change of `key` becomes known here, in the way of `door`. */
  async tell(door: string, key: string): Promise<void> {
    const kind = key.slice(0, 1);
    const [what, concerns]: readonly [() => unknown, (version: Version) => boolean] = {
      key: [() => this.cache.invalidate(key), (version: Version) => version.key === key] as const,
      local: [
        () => {
          this.cache.invalidateLocal([key]);
        },
        (version: Version) => version.key === key,
      ] as const,
      tag: [
        () => this.cache.invalidate({ tags: `own:${key}` }),
        (version: Version) => version.key === key,
      ] as const,
      'tag of versions': [
        () => this.cache.invalidate({ tags: 'odd' }),
        (version: Version) => version.number % 2 === 1,
      ] as const,
      prefix: [
        () => this.cache.invalidate({ prefixes: kind }),
        (version: Version) => version.key.startsWith(kind),
      ] as const,
      region: [() => this.cache.flush(), () => true] as const,
      everything: [() => this.node.invalidate({ all: true }, { for: 'bus' }), () => true] as const,
      person: [
        () => this.#network.sendForeign(CHANNEL, key),
        (version: Version) => version.key === key,
      ] as const,
      fence: [() => this.#loseBeyondRepair(), () => true] as const,
    }[door] ?? [() => undefined, () => false];
    await what();
    await turn();
    this.history.drop(door, concerns);
  }

  /** A guarded write of `key` begins; `endWrite` ends it. */
  beginWrite(key: string, known: boolean): void {
    const gate = new Gate();
    const write = async (): Promise<string> => {
      this.commit(key);
      await gate.promise;
      return key;
    };
    const written = known
      ? this.cache.write(key, write)
      : this.cache.write((changed: string) => changed, write);
    this.#writes.push(async () => {
      gate.open();
      await written;
      this.history.drop('a guarded write', (version) => version.key === key);
    });
  }

  async endWrite(which: number): Promise<void> {
    const [end] = this.#writes.splice(which % Math.max(1, this.#writes.length), 1);
    await end?.();
  }

  async pass(ms: number): Promise<void> {
    await this.runtime.pass(ms);
  }

  /** Ends what is under way, and checks that nothing is left of it. */
  async end(): Promise<void> {
    while (this.#writes.length > 0) await this.endWrite(0);
    for (let round = 0; round < 100 && this.cache.stats().loading > 0; round += 1) {
      while (this.#pending.length > 0) this.settle(0, round % 2 === 1);
      await turn();
    }
    await Promise.all(this.#reads);
    if (this.cache.stats().loading > 0) this.history.violations.push('a load never ended');
    this.cache.close();
    const closed = this.node.close({ flushMs: 0, lingerMs: 0 });
    await this.pass(100);
    await closed;
  }

  async #load(key: string, context: LoadContext): Promise<Version> {
    const version = this.#read(key, context);
    await this.#wait();
    return version;
  }

  #read(key: string, { fresh, setAge }: LoadContext): Version {
    const kept = fresh ? undefined : this.#level?.get(key);
    if (kept !== undefined) {
      setAge(this.runtime.localMs() - kept.readAtMs, key);
      return kept.version;
    }
    const version = this.history.ask(key);
    this.#level?.set(key, { version, readAtMs: this.runtime.localMs() });
    return version;
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({
        answer: resolve,
        fail: () => {
          reject(new Error('the source is down'));
        },
      });
    });
  }

  #strangers = 0;

  async #loseBeyondRepair(): Promise<void> {
    this.#strangers += 1;
    const bus = memoryBus({ channel: CHANNEL, network: this.#network });
    await bus.open({ onFrame: deaf, onForeign: deaf, onContinuity: deaf });
    const origin = `stranger/000000000000${this.#strangers}`;
    const seq = 1_000_000;
    await bus.publish(
      encode(CHANNEL, { type: 'inv', origin, seq, selection: {}, ackWanted: false }),
    );
    await bus.publish(encode(CHANNEL, { type: 'bye', origin, seq }));
    await bus.close();
  }
}

function deaf(): void {}

function ignored(): undefined {}
