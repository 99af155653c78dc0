import type { Protections } from '../../src/protocol/settings.ts';
import { runSchedule } from './run-schedule.ts';
import { addOutcome, newSummary, type Summary } from './summary.ts';
import { Violation } from './violation.ts';

/** A range of seeds to run. */
export interface Task {
  readonly from: number;
  readonly seeds: number;
  readonly unprotected: Partial<Protections>;
  /** The invariants that are looked at; all of them by default. */
  readonly only?: readonly string[];
}

/** One seed in so many is run twice, which must give the same trace (I9). */
const TWICE_EVERY = 50;

/** Runs a range of seeds. */
export function runTask(task: Task): Summary {
  const summary = newSummary();
  const before = process.cpuUsage();
  const options = {
    unprotected: task.unprotected,
    ...(task.only === undefined ? {} : { only: new Set(task.only) }),
  };
  for (let seed = task.from; seed < task.from + task.seeds; seed += 1) {
    const outcome = runSchedule(seed, options);
    addOutcome(summary, outcome);
    if (seed % TWICE_EVERY === 0) {
      const again = runSchedule(seed, options);
      if (again.hash !== outcome.hash) {
        const { invariant, message } = new Violation('I9', 'two runs of one seed differ');
        addOutcome(summary, { ...again, violation: { invariant, message } });
      }
    }
  }
  const { user, system } = process.cpuUsage(before);
  summary.cpuMs = (user + system) / 1_000;
  return summary;
}

function isTask(message: unknown): message is Task {
  return typeof message === 'object' && message !== null && 'seeds' in message;
}

// As a child process: a task comes, a summary goes.
if (process.send !== undefined) {
  process.on('message', (message: unknown) => {
    if (isTask(message)) process.send?.(runTask(message));
  });
}
