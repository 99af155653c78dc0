import { CoreMember } from '../core-member.ts';
import type { MemberOptions } from '../member.ts';
import type { Port } from '../port.ts';
import { Witness } from '../witness.ts';
import type { World } from '../world.ts';

/** A virtual machine with one node, which is cloned while it runs: both go on from the same state. */
export class Machine {
  readonly original: CoreMember;
  readonly #copy: CoreMember;
  readonly #world: World;
  readonly #slot: number;
  #chance: { next(): number };

  /** `slot`: where the clone will be attached. */
  constructor(world: World, options: MemberOptions, slot: number) {
    const port = portOf(world, slot);
    this.#world = world;
    this.#slot = slot;
    const chance = world.chance('machine');
    this.original = new CoreMember(world, { ...options, random: () => chance.next() });
    this.#chance = world.chance('machine');
    const name = `${options.name}'`;
    const { complain, ledgers } = world;
    const ledgerOf = (origin: string): ReturnType<typeof ledgers.get> => ledgers.get(origin);
    this.#copy = new CoreMember(world, {
      ...options,
      name,
      port,
      witness: new Witness({ name, ledgerOf, complain }),
      random: () => this.#chance.next(),
    });
    this.original.shadow(this.#copy);
  }

  /**
   * The machine is cloned. `connection`: whether the clone has to attach anew, as over TCP, or hears on as if nothing
   * had happened. `chance`: whether both go on drawing the same numbers.
   */
  clone(how: {
    readonly connection: 'kept' | 'lost';
    readonly chance: 'the same' | 'another';
  }): CoreMember {
    const world = this.#world;
    if (how.chance === 'another') this.#chance = world.chance('clone');
    const copy = this.original.part();
    world.members[this.#slot] = copy;
    world.trace.line(world.nowMs, () => `${this.original.name} is cloned`);
    const port = portOf(world, this.#slot);
    world.network.attach(port, copy);
    if (how.connection === 'lost') world.network.interrupt(port, RECONNECTS_AFTER_MS, 'new');
    return copy;
  }
}

/** What a connection that is gone costs. */
const RECONNECTS_AFTER_MS = 100;

function portOf(world: World, slot: number): Port {
  const port = world.network.ports[slot];
  if (port === undefined) throw new RangeError(`there is no slot ${slot}`);
  return port;
}
