import type { InvalidationBus } from '../../../src/index.ts';

/** What the mutants of one run share and leave behind. */
export class Leftovers {
  readonly buses: InvalidationBus[] = [];
  readonly receivers: (() => void)[] = [];
  readonly timers: NodeJS.Timeout[] = [];

  async clear(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.buses.map((bus) => bus.close()));
  }
}
