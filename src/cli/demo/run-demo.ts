import { randomBytes } from 'node:crypto';
import type { DemoFlags } from '../demo.ts';
import type { Surroundings } from '../program.ts';
import { checkBus } from './check-bus.ts';
import { planDemo, type DemoPlan } from './demo-options.ts';
import { meetingFolder, removeFolder } from './meeting-folder.ts';
import { Progress } from './progress.ts';
import { runMode, type ModeRun } from './run-mode.ts';
import { demoTable } from './demo-table.ts';
import type { ModeResult, UnstaleResult } from './tally.ts';
import type { Mode } from './resource-cache.ts';

/** The document that `--json` prints. */
export interface DemoResult {
  readonly bus: string;
  readonly nodes: number;
  readonly seconds: number;
  readonly modes: {
    readonly none: ModeResult;
    readonly ttl: ModeResult;
    readonly unstale: UnstaleResult;
  };
}

/** The command `unstale demo`. */
export async function runDemo(flags: DemoFlags, surroundings: Surroundings): Promise<void> {
  const { out, err, signal } = surroundings;
  const plan = await planDemo(flags);
  const progress = new Progress(err, plan);
  progress.introduce();
  const { bus, ownFolder } = busOfRun(plan);
  try {
    await checkBus(bus, signal);
    if (ownFolder !== undefined) await removeFolder(ownFolder);
    const result = await runModes({ plan, bus, ownFolder, watcher: progress, signal });
    out.write(
      flags.json === true
        ? `${JSON.stringify(result, undefined, 2)}\n`
        : demoTable(result, plan, out),
    );
  } finally {
    progress.end();
    if (ownFolder !== undefined) await removeFolder(ownFolder);
  }
}

async function runModes(
  options: Pick<ModeRun, 'plan' | 'bus' | 'ownFolder' | 'signal'> & { readonly watcher: Progress },
): Promise<DemoResult> {
  const { plan, watcher } = options;
  // A name of its own, so that two demos on one bus do not hear each other.
  const cluster = `demo-${randomBytes(4).toString('hex')}`;
  const run = async (mode: Mode): ReturnType<typeof runMode> => {
    const done = await runMode({ ...options, mode, cluster });
    watcher.finished(mode, done.tally);
    return done;
  };
  const none = await run('none');
  const ttl = await run('ttl');
  const unstale = await run('unstale');
  return {
    bus: plan.busText,
    nodes: plan.flags.nodes,
    seconds: plan.flags.seconds,
    modes: {
      none: none.tally.result(none.originLoads),
      ttl: ttl.tally.result(ttl.originLoads),
      unstale: unstale.tally.unstaleResult(unstale.originLoads),
    },
  };
}

/** A bare `ipc:` is a place for this run alone: nobody else has to be there, and nothing is left behind. */
function busOfRun(plan: DemoPlan): Pick<ModeRun, 'bus' | 'ownFolder'> {
  const isBare = plan.flags.bus === 'ipc:' && plan.bus.transport === 'ipc';
  if (!isBare) return { bus: plan.bus, ownFolder: undefined };
  const ownFolder = meetingFolder();
  return { bus: { ...plan.bus, folder: ownFolder }, ownFolder };
}
