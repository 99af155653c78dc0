import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Protections } from '../../src/protocol/settings.ts';
import { mergeSummary, newSummary, type Summary } from './summary.ts';
import type { Task } from './worker.ts';

/** Seeds that a process is given at one time. */
const SEEDS_PER_TASK = 250;
const STACK_SEEDS_PER_TASK = 20;

export interface PoolOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly unprotected: Partial<Protections>;
  readonly only?: readonly string[];
  readonly stack?: boolean;
  /** Called after each task with everything so far. `false` ends the run. */
  readonly onProgress: (summary: Summary) => boolean;
}

/** Runs a range of seeds on several processes, in order of the seeds as far as there are processes. */
export async function runPool(options: PoolOptions): Promise<Summary> {
  const total = newSummary();
  const tasks = tasksOf(options);
  const children = Array.from({ length: Math.max(1, options.jobs) }, () => startChild());
  let goesOn = true;
  try {
    await Promise.all(
      children.map(async (child) => {
        for (let task = tasks.shift(); task !== undefined && goesOn; task = tasks.shift()) {
          mergeSummary(total, await give(child, task));
          goesOn &&= options.onProgress(total);
        }
      }),
    );
  } finally {
    for (const child of children) child.kill();
  }
  return total;
}

function tasksOf({ from, seeds, unprotected, only, stack = false }: PoolOptions): Task[] {
  const tasks: Task[] = [];
  const most = stack ? STACK_SEEDS_PER_TASK : SEEDS_PER_TASK;
  for (let done = 0; done < seeds; done += most) {
    const some = Math.min(most, seeds - done);
    const task = { from: from + done, seeds: some, unprotected, stack };
    tasks.push(only === undefined ? task : { ...task, only });
  }
  return tasks;
}

function startChild(): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const path = fileURLToPath(new URL(`./worker.${extension}`, import.meta.url));
  return fork(path, { execArgv: extension === 'ts' ? ['--import', 'tsx'] : [] });
}

async function give(child: ChildProcess, task: Task): Promise<Summary> {
  return await new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`a process ended with ${code} in the seeds from ${task.from}`));
    };
    child.once('exit', onExit);
    child.once('message', (summary: Summary) => {
      child.off('exit', onExit);
      resolve(summary);
    });
    child.send(task);
  });
}
