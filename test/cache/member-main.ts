/** Runs in a child process: a node with one cache, whose system of record is its parent. */
import { loadBus, parseBusUrl } from '../../src/config/index.ts';
import {
  joinCluster,
  type CacheSelection,
  type Cluster,
  type CoherentCache,
} from '../../src/index.ts';

/** Two caches: in `refreshed` every entry that is read is loaded anew, once, behind that. */
export type Region = 'articles' | 'refreshed';

export type MemberCommand =
  | {
      readonly type: 'join';
      readonly url: string;
      readonly label: string;
      readonly boundMs: number;
      readonly nodes: number;
    }
  | { readonly type: 'beReady' }
  | { readonly type: 'get'; readonly region: Region; readonly key: string }
  | { readonly type: 'getMany'; readonly region: Region; readonly keys: readonly string[] }
  | { readonly type: 'peek'; readonly region: Region; readonly key: string }
  | { readonly type: 'fill'; readonly keys: readonly string[]; readonly times: number }
  | {
      readonly type: 'invalidate';
      readonly region: Region;
      readonly what: CacheSelection | 'region' | 'everything';
      readonly ack: 'bus' | 'all';
    }
  | { readonly type: 'writeAndDie'; readonly key: string }
  | { readonly type: 'status' }
  | { readonly type: 'close' };

/** What the child says. */
export type MemberReport =
  | { readonly type: 'ready' }
  | {
      readonly type: 'done';
      readonly id: number;
      readonly value?: unknown;
      readonly error?: string;
    }
  | { readonly type: 'load'; readonly id: number; readonly keys: readonly string[] }
  | { readonly type: 'commit'; readonly key: string };

/** What the parent says. */
export type ParentMessage =
  | { readonly type: 'command'; readonly id: number; readonly command: MemberCommand }
  | { readonly type: 'loaded'; readonly id: number; readonly values: readonly string[] }
  | { readonly type: 'committed' };

const TTL_MS = 60_000;

let node: { readonly cluster: Cluster; readonly caches: Caches } | undefined;

type Caches = Readonly<Record<Region, CoherentCache<string>>>;
let loads = 0;
const loading = new Map<number, (values: readonly string[]) => void>();
const committing: (() => void)[] = [];

function ask(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  loads += 1;
  const id = loads;
  return new Promise((resolve) => {
    loading.set(id, (values) => {
      resolve(new Map(keys.map((key, index) => [key, values[index] ?? ''])));
    });
    report({ type: 'load', id, keys });
  });
}

async function join(command: Extract<MemberCommand, { type: 'join' }>): Promise<string> {
  const { url, label, boundMs, nodes } = command;
  const cluster = await joinCluster({
    name: 'processes',
    label,
    bus: await loadBus(parseBusUrl(url), { label }),
    maxStalenessMs: boundMs,
    forgetAfterMs: 600_000,
    expectedNodes: nodes,
    lingerMs: 0,
  });
  const make = (region: Region, refreshAheadMs: number): CoherentCache<string> =>
    cluster.cache<string>(region, {
      maxEntries: 1_000,
      ttlMs: TTL_MS,
      refreshAheadMs,
      load: async (key) => (await ask([key])).get(key) ?? '',
      loadMany: ask,
      tags: (key) => [`tag:${key}`],
    });
  node = {
    cluster,
    caches: { articles: make('articles', 0), refreshed: make('refreshed', TTL_MS) },
  };
  return cluster.origin;
}

async function obey(command: MemberCommand): Promise<unknown> {
  if (command.type === 'join') return await join(command);
  if (node === undefined) throw new Error('join first');
  const { cluster, caches } = node;
  const cache = caches['region' in command ? command.region : 'articles'];
  switch (command.type) {
    case 'beReady':
      await cluster.ready();
      return undefined;
    case 'get':
      return await cache.get(command.key);
    case 'getMany':
      return [...(await cache.getMany(command.keys))];
    case 'peek':
      return cache.peek(command.key);
    case 'fill':
      for (let time = 0; time < command.times; time += 1) {
        for (const key of command.keys) await cache.get(key);
      }
      return undefined;
    case 'invalidate': {
      const { what, ack } = command;
      if (what === 'everything') return await cluster.invalidate({ all: true }, { ack });
      return what === 'region' ? await cache.flush({ ack }) : await cache.invalidate(what, { ack });
    }
    case 'writeAndDie':
      return await cache.write(command.key, async () => {
        report({ type: 'commit', key: command.key });
        await new Promise<void>((resolve) => committing.push(resolve));
        // The change is committed; nobody has been told.
        process.kill(process.pid, 'SIGKILL');
      });
    case 'status':
      return { status: cluster.status(), stats: cache.stats() };
    case 'close':
      await cluster.close();
  }
  return undefined;
}

function report(what: MemberReport): void {
  process.send?.(what);
}

process.on('message', (message: ParentMessage) => {
  switch (message.type) {
    case 'loaded':
      loading.get(message.id)?.(message.values);
      loading.delete(message.id);
      return;
    case 'committed':
      committing.shift()?.();
      return;
    case 'command':
      obey(message.command).then(
        (value) => {
          report({ type: 'done', id: message.id, value });
        },
        (error: unknown) => {
          report({ type: 'done', id: message.id, error: String(error) });
        },
      );
  }
});
process.on('disconnect', () => {
  process.exit();
});
report({ type: 'ready' });
