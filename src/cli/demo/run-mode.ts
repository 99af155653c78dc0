import { setTimeout as wait } from 'node:timers/promises';
import type { BusConfig } from '../../config/bus-config.ts';
import { UserError } from '../user-error.ts';
import { DemoProcess } from './demo-process.ts';
import type { DemoPlan } from './demo-options.ts';
import { Driver } from './driver.ts';
import type { Mode } from './resource-cache.ts';
import { Tally } from './tally.ts';
import type { ServerRole, Telling } from './worker-protocol.ts';

/** What a mode tells while it runs. */
export interface ModeWatcher {
  starting(mode: Mode): void;
  /** Everything is up. */
  started(mode: Mode, places: readonly Place[]): void;
  measuring(mode: Mode, tally: Tally, elapsedMs: number): void;
  /** Something that a person may want to know. */
  event(text: string): void;
}

/** Where a process of the demo is found. */
export interface Place {
  readonly name: string;
  readonly base: string;
  readonly pid: number;
}

export interface ModeRun {
  readonly plan: DemoPlan;
  readonly mode: Mode;
  readonly bus: BusConfig;
  /** Where the bus meets, if it is a folder for this run alone. */
  readonly ownFolder: string | undefined;
  readonly cluster: string;
  readonly watcher: ModeWatcher;
  readonly signal: AbortSignal;
}

const PROGRESS_EVERY_MS = 250;

/** Starts an origin and servers, runs the workload against them, and stops them, whatever happens. */
export async function runMode(run: ModeRun): Promise<{
  readonly tally: Tally;
  readonly originLoads: number;
}> {
  const { plan, watcher } = run;
  const tally = new Tally();
  watcher.starting(run.mode);
  const fatal = new AbortController();
  const signal = AbortSignal.any([run.signal, fatal.signal]);
  const listener = {
    onTelling: (telling: Telling) => {
      take(telling, tally, watcher);
    },
    onDeath: (text: string) => {
      watcher.event(text);
    },
  };
  const origin = new DemoProcess('the origin', {
    ...listener,
    // Nothing can be measured without it.
    onDeath: (text) => {
      fatal.abort(new UserError(text));
    },
  });
  const groups = groupsOf(plan);
  const servers = groups.map(
    (group) => new DemoProcess(group.map(({ name }) => name).join(', '), listener),
  );
  try {
    const [originBase = ''] = await origin.begin(
      {
        type: 'origin',
        resources: plan.list.resources,
        latencyMs: plan.flags.latency,
        seed: plan.flags.seed,
        port: plan.flags.port ?? 0,
      },
      signal,
    );
    const bases = await beginServers({ run, originBase, groups, servers, signal });
    watcher.started(run.mode, placesOf({ origin, originBase, groups, servers, bases }));
    const originLoads = await measure({ run, tally, bases, origin, servers, signal });
    return { tally, originLoads };
  } finally {
    await Promise.all([origin, ...servers].map((each) => each.stop()));
  }
}

function take(telling: Telling, tally: Tally, watcher: ModeWatcher): void {
  if (telling.type === 'commits') tally.ledger.learn(telling.commits, telling.untilMs);
  else if (telling.type === 'passages') tally.propagation.learn(telling.passages);
  else if (telling.type === 'event') watcher.event(`${telling.server}: ${telling.text}`);
}

/** Which servers share a process: each has its own, unless the bus does not reach beyond one. */
function groupsOf({ flags, bus }: DemoPlan): readonly (readonly ServerRole[])[] {
  const servers = Array.from({ length: flags.nodes }, (_, index) => ({
    name: `server-${index + 1}`,
    port: flags.port === undefined ? 0 : flags.port + index + 1,
  }));
  return bus.transport === 'memory' ? [servers] : servers.map((server) => [server]);
}

async function beginServers(options: {
  readonly run: ModeRun;
  readonly originBase: string;
  readonly groups: readonly (readonly ServerRole[])[];
  readonly servers: readonly DemoProcess[];
  readonly signal: AbortSignal;
}): Promise<string[]> {
  const { run, originBase, groups, servers, signal } = options;
  const { flags } = run.plan;
  const begun = servers.map((server, index) =>
    server.begin(
      {
        type: 'servers',
        servers: groups[index] ?? [],
        origin: originBase,
        mode: run.mode,
        ttlMs: flags.ttl * 1_000,
        cluster: run.cluster,
        nodes: flags.nodes,
        bus: run.bus,
        ...(run.ownFolder === undefined ? {} : { ownFolder: run.ownFolder }),
      },
      signal,
    ),
  );
  return (await Promise.all(begun)).flat();
}

function placesOf(options: {
  readonly origin: DemoProcess;
  readonly originBase: string;
  readonly groups: readonly (readonly ServerRole[])[];
  readonly servers: readonly DemoProcess[];
  readonly bases: readonly string[];
}): Place[] {
  const { origin, originBase, groups, servers, bases } = options;
  const owners = groups.flatMap((group, index) =>
    group.map(({ name }) => ({ name, pid: servers[index]?.pid ?? 0 })),
  );
  return [
    { name: 'origin', base: originBase, pid: origin.pid },
    ...owners.map((owner, index) => ({ ...owner, base: bases[index] ?? '' })),
  ];
}

async function measure(options: {
  readonly run: ModeRun;
  readonly tally: Tally;
  readonly bases: readonly string[];
  readonly origin: DemoProcess;
  readonly servers: readonly DemoProcess[];
  readonly signal: AbortSignal;
}): Promise<number> {
  const { run, tally, bases, origin, servers, signal } = options;
  const { flags, list } = run.plan;
  const driver = new Driver({
    workload: { ...flags, ids: list.resources.map(({ id }) => id), servers: flags.nodes },
    bases,
    originLatencyMs: flags.latency,
    tally,
    signal,
  });
  const ended = new AbortController();
  try {
    await driver.warmUp();
    for (const each of [origin, ...servers]) each.measure();
    void showProgress(run, tally, AbortSignal.any([signal, ended.signal]));
    await driver.run();
    await Promise.all(servers.map((server) => server.tell(signal)));
    return await origin.tell(signal);
  } finally {
    ended.abort();
    driver.close();
  }
}

async function showProgress(run: ModeRun, tally: Tally, signal: AbortSignal): Promise<void> {
  const startMs = performance.now();
  while (!signal.aborted) {
    run.watcher.measuring(run.mode, tally, performance.now() - startMs);
    await wait(PROGRESS_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
