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

/** How often a process that was killed is replaced. */
const REPLACEMENTS = 3;

/** Runs a range of seeds on several processes, in order of the seeds as far as there are processes. */
export async function runPool(options: PoolOptions): Promise<Summary> {
  const total = newSummary();
  const tasks = tasksOf(options);
  let goesOn = true;
  const work = async (): Promise<void> => {
    let child = startChild();
    let replacements = 0;
    try {
      for (let task = tasks.shift(); task !== undefined && goesOn; task = tasks.shift()) {
        const answer = await give(child, task);
        if (answer.type === 'done') {
          mergeSummary(total, answer.summary);
          goesOn &&= options.onProgress(total);
          continue;
        }
        replacements += 1;
        const reason = `a process ended with ${answer.reason} in the seeds from ${task.from}`;
        if (replacements > REPLACEMENTS) throw new Error(reason);
        process.stderr.write(`${reason}; another one takes its place\n`);
        tasks.unshift(task);
        child = startChild();
      }
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, work));
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

type Answer =
  | { readonly type: 'done'; readonly summary: Summary }
  | { readonly type: 'ended'; readonly reason: string };

async function give(child: ChildProcess, task: Task): Promise<Answer> {
  return await new Promise((resolve) => {
    const onExit = (code: number | null, signal: string | null): void => {
      resolve({ type: 'ended', reason: signal ?? `exit code ${code}` });
    };
    child.once('exit', onExit);
    child.once('message', (summary: Summary) => {
      child.off('exit', onExit);
      resolve({ type: 'done', summary });
    });
    child.send(task);
  });
}
