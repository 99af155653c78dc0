import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ALL_PROTECTIONS, type Protections } from '../../src/protocol/settings.ts';
import { minimise } from './minimise.ts';
import { runPool } from './pool.ts';
import {
  runSchedule,
  runStackSchedule,
  type Outcome,
  type ScheduleOptions,
} from './run-schedule.ts';
import { pullTeeth, teethTable } from './teeth.ts';
import { neverHappened, SOMETIMES, violationCount, type Summary } from './summary.ts';

const USAGE = `npm run simulate -- [options]
  --seeds N            schedules to run (default 2,000)
  --from S             the first seed (default 1)
  --from-commit        the first seed follows from the commit, so that every commit tries others
  --jobs N             processes (default: one for each core)
  --unprotected NAME   switches a protection off; the run must then fail
  --teeth              switches each protection off in turn, and prints what caught it
  --stack              runs the whole production stack, with its promises: slower, so fewer seeds
  --json               the summary as JSON
SEED=n npm run simulate    runs one seed and prints what happens`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    'from-commit': { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(availableParallelism()) },
    unprotected: { type: 'string', multiple: true, default: [] },
    teeth: { type: 'boolean', default: false },
    stack: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const unprotected = switchedOff(values.unprotected);
  const seed = process.env['SEED'];
  if (seed !== undefined) return await replay(whole('SEED', seed), unprotected);
  const from = values['from-commit'] ? seedOfCommit() : whole('--from', values.from);
  const seeds = whole('--seeds', values.seeds);
  const jobs = whole('--jobs', values.jobs);
  if (values.teeth) return await showTeeth({ from, seeds, jobs });
  const startMs = performance.now();
  let toldMs = startMs;
  const summary = await runPool({
    from,
    seeds,
    jobs,
    unprotected,
    stack: values.stack,
    onProgress: (soFar) => {
      const nowMs = performance.now();
      if (nowMs - toldMs > 5_000) {
        toldMs = nowMs;
        process.stderr.write(
          `${soFar.seeds} of ${seeds} schedules, ${violationCount(soFar)} violations\n`,
        );
      }
      return true;
    },
  });
  const seconds = (performance.now() - startMs) / 1_000;
  if (values.json)
    print(JSON.stringify({ from, seconds, ...summary, never: neverHappened(summary) }, null, 2));
  else report(summary, { from, seconds });
  await explain(summary, unprotected);
  return violationCount(summary) > 0 || neverHappened(summary).length > 0 ? 1 : 0;
}

async function showTeeth(options: { from: number; seeds: number; jobs: number }): Promise<number> {
  const teeth = await pullTeeth({
    ...options,
    onTooth: ({ protection, caught, schedules, directed }) => {
      process.stderr.write(
        `without ${protection}: ${caught} of ${schedules} schedules, directed: ${directed ?? 'not caught'}\n`,
      );
    },
  });
  print(values.json ? JSON.stringify(teeth, null, 2) : teethTable(teeth));
  return teeth.every(({ caught, directed }) => caught > 0 || directed !== undefined) ? 0 : 1;
}

/** One seed, with a readable trace. */
async function replay(seed: number, unprotected: Partial<Protections>): Promise<number> {
  const outcome = await runOne(seed, { unprotected, readable: true });
  for (const line of outcome.trace) print(line);
  print(`seed ${seed}: faults ${outcome.faults.join(', ') || 'none'}`);
  print(
    `${outcome.events} events, trace ${outcome.hash.toString(16)}, worst staleness ${outcome.worstStaleMs.toFixed(1)} ms`,
  );
  print(outcome.violation?.message ?? outcome.broken ?? 'no violation');
  return outcome.violation === undefined ? 0 : 1;
}

function report(summary: Summary, { from, seconds }: { from: number; seconds: number }): void {
  const { seeds, events, cpuMs, worstShare, worstStaleMs, counts } = summary;
  print(
    `${seeds} schedules from seed ${from}: ${events} events, ${(summary.simulatedMs / 3_600_000).toFixed(1)} simulated hours`,
  );
  print(
    `${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(0)} schedules/s, ${(cpuMs / seeds).toFixed(2)} CPU-ms each`,
  );
  print(
    `worst staleness ${worstStaleMs.toFixed(1)} ms, ${(100 * worstShare).toFixed(2)} % of the bound in force`,
  );
  for (const [name, count] of Object.entries(summary.broken)) {
    print(`${count} ended early: they broke assumption ${name}`);
  }
  print('sometimes:');
  for (const name of SOMETIMES) print(`  ${String(counts[name] ?? 0).padStart(9)}  ${name}`);
  const never = neverHappened(summary);
  if (never.length > 0) print(`never happened, so never tested: ${never.join(', ')}`);
  print(`violations: ${violationCount(summary)}`);
}

/** The first failing seed of each invariant, with the faults that it needs. */
async function explain(summary: Summary, unprotected: Partial<Protections>): Promise<void> {
  for (const [invariant, { count, seeds }] of Object.entries(summary.violations)) {
    const [first] = seeds;
    if (first === undefined) continue;
    const smallest = await minimise((options) => runOne(first, { ...options, unprotected }));
    const needs = smallest.faults.join(', ') || 'none';
    process.stderr.write(
      `${invariant}: ${count} schedules, seeds ${seeds.join(' ')}\n  ${smallest.violation?.message ?? 'two runs differ'}\n  seed ${first} needs these faults: ${needs}\n  SEED=${first} npm run simulate${values.stack ? ' -- --stack' : ''}\n`,
    );
  }
}

function runOne(seed: number, options: ScheduleOptions): Outcome | Promise<Outcome> {
  return values.stack ? runStackSchedule(seed, options) : runSchedule(seed, options);
}

/** Where there is no commit, as in an unpacked archive, the usual first seed. */
function seedOfCommit(): number {
  try {
    const hash = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
    return Number.parseInt(hash.slice(0, 7), 16);
  } catch {
    process.stderr.write('no commit to take the first seed from: it is 1\n');
    return 1;
  }
}

function switchedOff(names: readonly string[]): Partial<Protections> {
  for (const name of names) {
    if (name in ALL_PROTECTIONS) continue;
    throw new TypeError(
      `--unprotected ${name}: there are ${Object.keys(ALL_PROTECTIONS).join(', ')}`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, false]));
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} must be a whole number, got ${JSON.stringify(text)}`);
}
