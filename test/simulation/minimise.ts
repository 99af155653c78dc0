import type { Fault } from './plan.ts';
import type { Outcome, ScheduleOptions } from './run-schedule.ts';

/** Takes faults out of a failing schedule, one after the other, as long as it goes on failing in the same way. */
export async function minimise(
  run: (options: ScheduleOptions) => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  let smallest = await run({});
  const invariant = smallest.violation?.invariant;
  const without = new Set<Fault>();
  for (const fault of smallest.faults) {
    without.add(fault);
    const outcome = await run({ without });
    if (outcome.violation?.invariant === invariant) smallest = outcome;
    else without.delete(fault);
  }
  return smallest;
}
