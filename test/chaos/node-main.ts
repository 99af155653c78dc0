import { createWriteStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { BusConfig } from '../../src/config/index.ts';
import { loadBus } from '../../src/config/index.ts';
import { joinCluster, onTelemetry, type Cluster, type CoherentCache } from '../../src/index.ts';
import { nowMs, type NodeTally } from './history.ts';
import { TruthClient } from './truth-client.ts';

/** What a node is told on its command line. */
export interface NodeTask {
  readonly label: string;
  readonly bus: BusConfig;
  readonly truthPort: number;
  readonly historyFile: string;
  readonly maxStalenessMs: number;
  readonly nodes: number;
  readonly keys: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
}

const task = JSON.parse(process.argv[2] ?? '') as NodeTask;
const history = createWriteStream(task.historyFile, { flags: 'a' });
const truth = new TruthClient(task.truthPort);
const reports: Record<string, number> = {};
const continuity: Record<string, number> = {};
onTelemetry('unstale:report', ({ report }) => {
  reports[report.type] = (reports[report.type] ?? 0) + 1;
});
onTelemetry('unstale:continuity', ({ event }) => {
  const name = event.type === 'resumed' ? `resumed (loss ${event.loss})` : event.type;
  continuity[name] = (continuity[name] ?? 0) + 1;
});

const stage = { writing: true, running: true };

/** A broker that is away when a node starts is one fault among others: try until it lets us in. */
async function join(): Promise<Cluster> {
  for (;;) {
    try {
      return await joinCluster({
        name: 'chaos',
        label: task.label,
        bus: await loadBus(task.bus, { label: task.label }),
        maxStalenessMs: task.maxStalenessMs,
        expectedNodes: task.nodes,
        uniqueLabel: true,
        strict: true,
        lingerMs: 0,
      });
    } catch {
      await pause(500);
    }
  }
}

async function readOnce(cache: CoherentCache<number>, key: string, final: boolean): Promise<void> {
  const atMs = nowMs();
  const version = cache.peek(key) ?? (await cache.get(key));
  history.write(`${JSON.stringify({ key, version, atMs, ...(final ? { final } : {}) })}\n`);
}

function anyKey(): string {
  // The lower keys are the popular ones.
  return `thing:${Math.floor(task.keys * Math.random() ** 2)}`;
}

async function readAlong(cache: CoherentCache<number>): Promise<void> {
  while (stage.running) {
    await readOnce(cache, anyKey(), false);
    await pause(1_000 / task.readsPerSecond);
  }
}

async function writeAlong(cluster: Cluster, cache: CoherentCache<number>): Promise<void> {
  // A node that is never ready never writes (A8); the tally tells.
  if (!(await isReady(cluster))) return;
  while (stage.running) {
    await pause((1_000 / task.writesPerSecond) * (0.5 + Math.random()));
    if (!stage.writing) continue;
    const key = anyKey();
    await cache.write(key, () => truth.write(key));
  }
}

function isReady(cluster: Cluster): Promise<boolean> {
  return cluster.ready().then(
    () => true,
    () => false,
  );
}

function tally(cluster: Cluster): NodeTally {
  const status = cluster.status();
  const { ready } = status;
  const { framesRefused, ...counters } = status.counters;
  const refused = Object.values(framesRefused).reduce((sum, count) => sum + count, 0);
  const numbers = Object.entries(counters).filter(([, value]) => typeof value === 'number');
  return {
    unready: ready ? [] : [JSON.stringify(status)],
    reports,
    continuity,
    counters: { ...(Object.fromEntries(numbers) as Record<string, number>), refused },
  };
}

const cluster = await join();
const cache = cluster.cache<number>('things', {
  maxEntries: 10_000,
  load: (key) => truth.read(key),
});
const reading = readAlong(cache);
void writeAlong(cluster, cache);
process.send?.({ type: 'joined' });

async function obey(order: string): Promise<void> {
  if (order === 'quiet') stage.writing = false;
  if (order !== 'finish') return;
  stage.running = false;
  await reading;
  for (let key = 0; key < task.keys; key += 1) await readOnce(cache, `thing:${key}`, true);
  const told = tally(cluster);
  await cluster.close();
  truth.close();
  history.end(() => {
    process.send?.({ type: 'tally', tally: told }, () => {
      process.exit(0);
    });
  });
}

process.on('message', (message: { readonly order: string }) => {
  void obey(message.order);
});
process.on('disconnect', () => {
  process.exit(1);
});
