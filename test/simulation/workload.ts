import type { Wait } from '../../src/protocol/input.ts';
import type { Selection } from '../../src/protocol/selection.ts';
import type { BarrierNote } from './invariants.ts';
import type { Member } from './member.ts';
import type { Prng } from './prng.ts';
import type { World } from './world.ts';

type Versions = readonly (readonly [key: string, version: number])[];

/** What the application does: reads through the cache, guarded and unguarded writes, and people in the room. */
export class Workload {
  readonly #world: World;
  readonly #reads: Prng;
  readonly #writes: Prng;
  readonly #people: Prng;
  /** Guarded writes under way, which a nemesis may want to hit. */
  readonly underWay: Set<Member> = new Set<Member>();
  #foreign = 0;

  constructor(world: World) {
    this.#world = world;
    this.#reads = world.chance('reads');
    this.#writes = world.chance('writes');
    this.#people = world.chance('people');
  }

  start(): void {
    const { plan } = this.#world;
    for (let slot = 0; slot < this.#world.members.length; slot += 1) {
      this.#every(this.#reads, plan.readEveryMs, () => {
        this.#onRunning(slot, (member) => {
          this.#read(member, this.#key(this.#reads));
        });
      });
    }
    this.#every(this.#writes, plan.writeEveryMs, () => {
      const slot = this.#writes.below(this.#world.members.length);
      // A8: nobody writes before it is ready.
      const times = this.#writes.chance(0.1) ? 2 + this.#writes.below(4) : 1;
      for (let time = 0; time < times; time += 1) {
        this.#onRunning(slot, (member) => {
          if (member.core.members.ready) this.#write(member);
        });
      }
    });
    if (plan.faults.has('people')) {
      this.#every(this.#people, 1_500, () => {
        this.#person();
      });
    }
    if (plan.faults.has('storm')) this.#storm();
  }

  /** One read through the cache. */
  #read(member: Member, [region, key]: readonly [string, string]): void {
    const world = this.#world;
    const { nowMs } = world;
    const id = `${region}/${key}`;
    const version = member.peek(region, key);
    if (version !== undefined) {
      world.trace.note(version);
      world.count(member.isProven(region) ? 'hit by proof' : 'hit by TTL');
      world.trace.line(nowMs, () => `${member.name} reads ${id}: hit, version ${version}`);
      world.invariants.served(member, id, version, nowMs);
      return;
    }
    const chance = this.#reads;
    const { faults, loadMs, replicaLagMs, maxStalenessMs } = world.plan;
    const slow = faults.has('slow-loads') && chance.chance(0.2);
    const latencyMs = chance.exponential(slow ? 2 * maxStalenessMs : loadMs);
    const readsAfterMs = latencyMs * chance.next() - replicaLagMs * chance.next();
    const fails = faults.has('failing-loads') && chance.chance(0.2);
    member.load(region, key, { latencyMs, readsAfterMs: fails ? undefined : readsAfterMs });
  }

  #write(member: Member): void {
    const chance = this.#writes;
    const wait = this.#wait();
    if (chance.chance(this.#world.plan.guardedShare)) this.guarded(member, this.#keys(), wait);
    else this.#unguarded(member, this.#selection(), wait);
  }

  /** A guarded write. What it does at the source goes on whatever becomes of the node. */
  guarded(member: Member, selection: Selection, wait: Wait): void {
    const world = this.#world;
    const chance = this.#writes;
    const { faults, maxStalenessMs, safetyMs } = world.plan;
    const end = member.guard(selection);
    this.underWay.add(member);
    const hangs = faults.has('guard-hang') && chance.chance(0.3);
    const aborts = faults.has('guard-abort') && chance.chance(0.3);
    // A source that hangs may do so before its commit, or keep its answer for itself after it.
    const hangMs = Math.max(maxStalenessMs, safetyMs / 4);
    const commitMs =
      world.nowMs + chance.exponential(hangs && chance.chance(0.3) ? maxStalenessMs : 20);
    const answerMs =
      commitMs + (hangs ? chance.between(0.2, 2.5) * hangMs : chance.exponential(20));
    let request: 'under way' | 'done' = aborts ? 'done' : 'under way';
    const commit = (): void => {
      if (request === 'under way') this.#commit(selection, true);
      request = 'done';
    };
    // The source carries out the request of a process that dies, or does not; but not much later.
    const survives = chance.chance(0.6);
    member.life.atEnd(() => {
      if (survives) commit();
      request = 'done';
    });
    world.at(commitMs, commit);
    // Whatever hangs ends when everything heals.
    world.at(Math.max(commitMs, Math.min(answerMs, safetyMs)), () => {
      member.life.do(() => {
        this.underWay.delete(member);
        world.trace.line(world.nowMs, () => `${member.name} ends a guarded write`);
        const note = aborts ? undefined : this.#note(member, selection, wait);
        end(aborts ? {} : selection, wait, (result) => {
          if (note !== undefined) world.invariants.resolved(note, result);
        });
      });
    });
  }

  #unguarded(member: Member, selection: Selection, wait: Wait): void {
    const world = this.#world;
    this.#commit(selection, false);
    world.at(world.nowMs + this.#writes.exponential(10), () => {
      member.life.do(() => {
        // After its bye a node refuses: who has changed something must not leave before he has said so.
        if (member.life.works) this.invalidate(member, selection, wait);
      });
    });
  }

  invalidate(member: Member, selection: Selection, wait: Wait): void {
    const world = this.#world;
    for (const [id, version] of this.#versions(selection))
      world.source.cover(id, version, world.nowMs);
    world.trace.line(world.nowMs, () => `${member.name} invalidates ${JSON.stringify(selection)}`);
    const note = this.#note(member, selection, wait);
    member.invalidate(selection, wait, (result) => {
      if (note !== undefined) world.invariants.resolved(note, result);
    });
  }

  #commit(selection: Selection, guarded: boolean): void {
    const world = this.#world;
    for (const [id, version] of this.#versions(selection)) {
      world.source.commit(id, world.nowMs, guarded);
      world.trace.line(world.nowMs, () => `version ${version + 1} of ${id} is committed`);
    }
  }

  /** A person changes something by other means, and says so in the room. */
  #person(): void {
    const world = this.#world;
    if (world.healed) return;
    const [region, key] = this.#key(this.#people);
    const id = `${region}/${key}`;
    world.source.commit(id, world.nowMs, false);
    this.#foreign += 1;
    const message = { text: id, id: `m${this.#foreign}`, sender: 'person' };
    world.invariants.said(message.id, id, world.source.version(id));
    world.trace.line(world.nowMs, () => `a person says ${id}`);
    world.network.say(message);
    if (this.#people.chance(0.3)) world.network.say(message);
  }

  /**
   * More numbers than a receiver keeps ranges for: every other one is lost on the way to it, and so is
   * everything that it asks for.
   */
  #storm(): void {
    const world = this.#world;
    const { safetyMs, latencyMs } = world.plan;
    const startMs = this.#people.between(0.2, 0.5) * safetyMs;
    // As soon as the one before is confirmed: otherwise many would go out as one.
    const everyMs = 3 * latencyMs + 4;
    const endMs = Math.min(safetyMs, startMs + 300 * everyMs);
    const [, victim] = world.network.ports;
    world.at(startMs, () => {
      if (victim === undefined) return;
      victim.burstLoss = 0.5;
      victim.burstUntilMs = endMs;
      victim.upBlockedUntilMs = endMs;
    });
    for (let atMs = startMs; atMs < endMs; atMs += everyMs) {
      world.at(atMs, () => {
        this.#onRunning(0, (member) => {
          if (!member.core.members.ready) return;
          member.invalidate({ keys: { a: ['storm'] } }, { for: 'bus' }, () => undefined);
        });
      });
    }
  }

  #note(member: Member, selection: Selection, wait: Wait): BarrierNote | undefined {
    // With lagging replicas a load may bring the old value again; a guard's end may be an abort.
    if (wait.for !== 'all' || this.#world.plan.replicaLagMs > 0) return undefined;
    const readers = new Set<Member>();
    for (const reader of this.#world.working()) if (reader.core.members.ready) readers.add(reader);
    return { versions: this.#versions(selection), boundMs: member.core.boundMs, readers };
  }

  /** What a selection names, with the newest versions. */
  #versions(selection: Selection): Versions {
    const { regions, keysPerRegion } = this.#world.plan;
    const versions: (readonly [string, number])[] = [];
    for (const region of regions) {
      const whole = selection.regions?.includes(region) === true || selection.prefixes?.[region];
      for (let index = 0; index < keysPerRegion; index += 1) {
        const named = whole || selection.keys?.[region]?.includes(`k${index}`) === true;
        const id = `${region}/k${index}`;
        if (named) versions.push([id, this.#world.source.version(id)]);
      }
    }
    return versions;
  }

  #selection(): Selection {
    const dice = this.#writes.next();
    if (dice > 0.2) return this.#keys();
    const [region] = this.#key(this.#writes);
    return dice < 0.1 ? { prefixes: { [region]: ['k'] } } : { regions: [region] };
  }

  #keys(): Selection {
    const [region, key] = this.#key(this.#writes);
    const [, other] = this.#key(this.#writes);
    const both = other !== key && this.#writes.chance(0.2);
    return { keys: { [region]: both ? [key, other] : [key] } };
  }

  #wait(): Wait {
    const dice = this.#writes.next();
    if (dice < 0.25) return { for: 'all' };
    return dice < 0.3 ? { for: 1, timeoutMs: 500 } : { for: 'bus' };
  }

  #key(chance: Prng): readonly [string, string] {
    const { regions, keysPerRegion } = this.#world.plan;
    return [chance.pick(regions) ?? 'a', `k${chance.below(keysPerRegion)}`];
  }

  #onRunning(slot: number, action: (member: Member) => void): void {
    const member = this.#world.members[slot];
    if (member?.life.isRunning === true) action(member);
  }

  #every(chance: Prng, meanMs: number, action: () => void): void {
    const world = this.#world;
    const next = world.nowMs + chance.exponential(meanMs);
    if (next >= world.plan.safetyMs) return;
    world.at(next, () => {
      action();
      this.#every(chance, meanMs, action);
    });
  }
}
