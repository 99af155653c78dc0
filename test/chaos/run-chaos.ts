import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TcpProxy } from '../../conformance-tests/index.ts';
import { startArena, type ArenaName } from './arena.ts';
import { judge, type Verdict } from './checker.ts';
import { Contestant, FAKETIME } from './contestant.ts';
import type { Commit, NodeTally, Read } from './history.ts';
import { Nemesis } from './nemesis.ts';

export interface ChaosOptions {
  readonly broker: ArenaName;
  readonly seconds: number;
  readonly nodes: number;
  readonly maxStalenessMs: number;
  /** Evenly from 0 to 1: which faults, when and how long. */
  readonly random: () => number;
  readonly onProgress?: (text: string) => void;
}

export interface ChaosReport extends Verdict {
  readonly broker: ArenaName;
  readonly seconds: number;
  readonly maxStalenessMs: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that could not be made here, each with the reason. */
  readonly leftOut: readonly string[];
  /** Nodes that were not ready at the end, each with its status. */
  readonly unready: readonly string[];
  /** Sums over the nodes that were alive at the end. */
  readonly reports: Readonly<Record<string, number>>;
  readonly continuity: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

/** Time for everybody to be attached again and repaired, in multiples of X. */
const HEALING = 4;
const KEYS = 40;

/** Node processes on a real broker, with real faults; an offline checker judges what they have read. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { nodes, seconds, maxStalenessMs, onProgress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'unstale-chaos-'));
  const arena = await startArena(options.broker);
  const truth = fork(
    fileURLToPath(new URL('truth-main.ts', import.meta.url)),
    [join(folder, 'truth')],
    {
      execArgv: ['--import', 'tsx'],
    },
  );
  const contestants: Contestant[] = [];
  const hasFaketime = existsSync(FAKETIME);
  try {
    const [listening] = (await once(truth, 'message')) as [{ readonly port: number }];
    for (let number = 0; number < nodes; number += 1) {
      const proxy = await TcpProxy.to({ host: arena.broker.host, port: arena.port });
      const task = {
        label: `node-${number}`,
        bus: arena.busThrough(proxy.host, proxy.port),
        truthPort: listening.port,
        historyFile: join(folder, `node-${number}`),
        maxStalenessMs,
        nodes,
        keys: KEYS,
        readsPerSecond: 40,
        writesPerSecond: 1,
      };
      const clock = hasFaketime && number === 0 ? join(folder, 'clock') : undefined;
      contestants.push(new Contestant(task, proxy, clock));
    }
    await Promise.all(contestants.map((contestant) => contestant.joined()));
    onProgress?.(`${nodes} nodes have joined; ${seconds} s of faults begin`);
    const nemesis = new Nemesis(arena, contestants, options.random);
    const end = new AbortController();
    // Without the system of record nobody can be judged.
    truth.once('exit', (code, signal) => {
      end.abort(new Error(`the system of record has ended: ${signal ?? `exit code ${code}`}`));
    });
    const over = setTimeout(() => {
      end.abort();
    }, seconds * 1_000);
    await nemesis.rage(end.signal);
    clearTimeout(over);
    if (truth.exitCode !== null || truth.signalCode !== null) end.signal.throwIfAborted();
    onProgress?.('the faults are over; healing');
    for (const contestant of contestants) contestant.quiet();
    await pause(HEALING * maxStalenessMs);
    const tallies = await Promise.all(contestants.map((contestant) => contestant.finish()));
    const exited = once(truth, 'exit');
    truth.send({ order: 'end' });
    await exited;
    const reads = contestants.flatMap(({ label }) => lines(join(folder, label)) as readonly Read[]);
    const commits = lines(join(folder, 'truth')) as readonly Commit[];
    const verdict = judge(reads, commits, maxStalenessMs);
    return {
      broker: options.broker,
      seconds,
      maxStalenessMs,
      ...verdict,
      faults: nemesis.faults,
      leftOut: [
        ...(hasFaketime ? [] : ['clock jump: libfaketime is not installed']),
        ...(arena.deleteChannel === undefined
          ? [`queues deleted: ${arena.name} has none to delete`]
          : []),
      ],
      ...summed(tallies),
    };
  } finally {
    for (const contestant of contestants) {
      contestant.end();
      await contestant.proxy.close();
    }
    truth.kill('SIGKILL');
    await arena.broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The whole lines of a history: one that a SIGKILL has cut off says nothing. */
function lines(file: string): readonly unknown[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}') && line.indexOf('{', 1) === -1)
    .map((line): unknown => JSON.parse(line));
}

function summed(tallies: readonly NodeTally[]): NodeTally {
  const sum = (part: 'reports' | 'continuity' | 'counters'): Record<string, number> => {
    const total: Record<string, number> = {};
    for (const tally of tallies) {
      for (const [name, count] of Object.entries(tally[part]))
        total[name] = (total[name] ?? 0) + count;
    }
    return total;
  };
  const unready = tallies.flatMap((tally) => tally.unready);
  return {
    unready,
    reports: sum('reports'),
    continuity: sum('continuity'),
    counters: sum('counters'),
  };
}
