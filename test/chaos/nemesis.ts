import { setTimeout as pause } from 'node:timers/promises';
import type { Arena } from './arena.ts';
import type { Contestant } from './contestant.ts';

/** One thing that goes wrong, and how it is put right again. */
interface Fault {
  readonly name: string;
  /** What it needs for itself while it lasts: a node, or the broker. */
  readonly victim: Contestant | Arena;
  begin(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** The longest that a fault lasts, in ms: well below D, as assumption A6 wants it. */
const LONGEST_MS = 7_000;

/** Breaks things at random, up to two at a time, and puts every one of them right again. */
export class Nemesis {
  readonly #arena: Arena;
  readonly #contestants: readonly Contestant[];
  readonly #random: () => number;
  readonly #busy = new Set<Contestant | Arena>();
  readonly faults: Record<string, number> = {};

  constructor(arena: Arena, contestants: readonly Contestant[], random: () => number) {
    this.#arena = arena;
    this.#contestants = contestants;
    this.#random = random;
  }

  /** Goes on until `signal` is aborted; everything is put right when it resolves. */
  async rage(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#rageAlone(signal), this.#rageAlone(signal)]);
  }

  async #rageAlone(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(500 + this.#random() * 2_500);
      const fault = this.#pick();
      if (fault === undefined || signal.aborted) continue;
      this.faults[fault.name] = (this.faults[fault.name] ?? 0) + 1;
      this.#busy.add(fault.victim);
      try {
        await fault.begin();
        await pause(300 + this.#random() * LONGEST_MS, undefined, { signal }).catch(
          () => undefined,
        );
      } finally {
        await fault.end();
        this.#busy.delete(fault.victim);
      }
    }
  }

  #pick(): Fault | undefined {
    const free = this.#contestants.filter((contestant) => !this.#busy.has(contestant));
    const node = free[Math.floor(this.#random() * free.length)];
    const faults = node === undefined ? [] : this.#faultsOf(node);
    // The broker is hit less often: it takes everybody with it.
    if (!this.#busy.has(this.#arena) && this.#random() < 0.25)
      faults.splice(0, Infinity, ...this.#faultsOfBroker());
    return faults[Math.floor(this.#random() * faults.length)];
  }

  #faultsOf(victim: Contestant): Fault[] {
    const { proxy } = victim;
    const heal = (): void => {
      proxy.heal();
    };
    const faults: Fault[] = [
      {
        name: 'line severed',
        victim,
        begin: () => {
          proxy.sever();
        },
        end: heal,
      },
      {
        name: 'line swallowed',
        victim,
        begin: () => {
          proxy.swallow();
        },
        end: heal,
      },
      {
        name: 'line swallowed towards the bus',
        victim,
        begin: () => {
          proxy.swallow('toBus');
        },
        end: heal,
      },
      {
        name: 'line slow',
        victim,
        begin: () => {
          proxy.slow({ bytesPerSecond: 2_000 });
        },
        end: heal,
      },
      {
        name: 'node stopped',
        victim,
        begin: () => {
          victim.pause();
        },
        end: () => {
          victim.resume();
        },
      },
      {
        name: 'node killed',
        victim,
        begin: () => victim.kill(),
        end: () => {
          victim.restart();
        },
      },
    ];
    if (victim.hasFakeClock) {
      const offset = Math.round((this.#random() - 0.5) * 7_200);
      faults.push({
        name: 'clock of a node jumps',
        victim,
        begin: () => {
          victim.setClock(offset);
        },
        end: () => {
          victim.setClock(0);
        },
      });
    }
    return faults;
  }

  #faultsOfBroker(): Fault[] {
    const { broker, deleteChannel } = this.#arena;
    const victim = this.#arena;
    const faults: Fault[] = [
      {
        name: 'broker stopped',
        victim,
        begin: () => {
          broker.pause();
        },
        end: () => {
          broker.resume();
        },
      },
      { name: 'broker killed', victim, begin: () => broker.kill(), end: () => broker.start() },
    ];
    if (deleteChannel !== undefined) {
      faults.push({
        name: 'queues or room deleted',
        victim,
        begin: () => deleteChannel().catch(() => undefined),
        end: () => undefined,
      });
    }
    return faults;
  }
}
