import type { Protections } from '../../src/protocol/settings.ts';
import { runSchedule, runStackSchedule, type Outcome } from './run-schedule.ts';
import { addOutcome, newSummary, type Summary } from './summary.ts';

/** A range of seeds to run. */
export interface Task {
  readonly from: number;
  readonly seeds: number;
  readonly unprotected: Partial<Protections>;
  /** The invariants that are looked at; all of them by default. */
  readonly only?: readonly string[];
  /** The whole production stack, with its promises. */
  readonly stack: boolean;
}

/** One seed in so many is run twice, which must give the same trace (I9). */
const TWICE_EVERY = 50;

/** Runs a range of seeds. */
export async function runTask(task: Task): Promise<Summary> {
  const { from, seeds, unprotected, only, stack } = task;
  const summary = newSummary();
  const before = process.cpuUsage();
  const options = { unprotected, ...(only === undefined ? {} : { only: new Set(only) }) };
  const run = async (seed: number): Promise<Outcome> =>
    stack ? await runStackSchedule(seed, options) : runSchedule(seed, options);
  for (let seed = from; seed < from + seeds; seed += 1) {
    const outcome = await run(seed);
    addOutcome(summary, outcome);
    if (seed % TWICE_EVERY !== 0) continue;
    const again = await run(seed);
    if (again.hash === outcome.hash) continue;
    const violation = { invariant: 'I9', message: 'two runs of one seed differ' };
    addOutcome(summary, { ...again, violation });
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
    if (!isTask(message)) return;
    runTask(message).then(
      (summary) => process.send?.(summary),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
}
