import type { Protections } from '../../src/protocol/settings.ts';
import type { Fault } from './plan.ts';
import { runSchedule, type Outcome } from './run-schedule.ts';

/** Takes faults out of a failing schedule, one after the other, as long as it goes on failing in the same way. */
export function minimise(seed: number, unprotected: Partial<Protections>): Outcome {
  let smallest = runSchedule(seed, { unprotected });
  const invariant = smallest.violation?.invariant;
  const without = new Set<Fault>();
  for (const fault of smallest.faults) {
    without.add(fault);
    const outcome = runSchedule(seed, { unprotected, without });
    if (outcome.violation?.invariant === invariant) smallest = outcome;
    else without.delete(fault);
  }
  return smallest;
}
