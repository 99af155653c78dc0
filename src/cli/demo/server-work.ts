import { subscribe } from 'node:diagnostics_channel';
import { loadBus } from '../../config/load-bus.ts';
import { joinCluster, type Cluster } from '../../index.ts';
import { UserError } from '../user-error.ts';
import { sharedNowMs } from './clock.ts';
import { serveResources, type HttpService, type Versioned } from './http-service.ts';
import { RemoteStorage } from './remote-storage.ts';
import {
  coherentCache,
  MAX_ENTRIES,
  noCache,
  ttlCache,
  type Mode,
  type ResourceCache,
} from './resource-cache.ts';
import { removeFolder } from './meeting-folder.ts';
import { readApplied, readContinuity, readForeign } from './diagnostics.ts';
import type { Passage, Role, ServerRole, Telling } from './worker-protocol.ts';
import type { Work } from './worker.ts';

/** How often the passages of ids are told, in ms, and how many are kept until then. */
const TELL_EVERY_MS = 100;
const MAX_PASSAGES = 10_000;

/** How long all servers together may take to count on each other, in ms. */
const READY_TIMEOUT_MS = 20_000;

/** A server that leaves stays so long to answer requests for repair, in ms: the run is over, nobody needs more. */
const LINGER_MS = 100;

/** Names the region; a person who types an id names it in every region. */
const REGION = 'resources';

type Say = (telling: Telling) => void;
type ServersRole = Extract<Role, { type: 'servers' }>;

interface RunningServer {
  readonly service: HttpService;
  readonly cluster: Cluster | undefined;
}

export async function startServers(role: ServersRole, say: Say): Promise<Work> {
  const storage = new RemoteStorage(role.origin);
  let passages: Passage[] = [];
  const passed = (passage: Passage): void => {
    if (passages.length < MAX_PASSAGES) passages.push(passage);
  };
  observe(passed, say);
  const servers = await Promise.all(
    role.servers.map((server) => startServer({ role, server, storage, passed })),
  );
  await untilReady(servers);
  const tellPassages = (): void => {
    if (passages.length > 0) say({ type: 'passages', passages });
    passages = [];
  };
  const timer = setInterval(tellPassages, TELL_EVERY_MS);
  return {
    bases: servers.map(({ service }) => service.base),
    measure: () => {
      passages = [];
    },
    tell: () => {
      tellPassages();
      return 0;
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all(servers.map((server) => server.service.close()));
      storage.close();
      await Promise.all(servers.map(async (server) => server.cluster?.close()));
      if (role.ownFolder !== undefined) await removeFolder(role.ownFolder);
    },
  };
}

async function startServer(options: {
  readonly role: ServersRole;
  readonly server: ServerRole;
  readonly storage: RemoteStorage;
  readonly passed: (passage: Passage) => void;
}): Promise<RunningServer> {
  const { role, server, storage, passed } = options;
  const cluster = role.mode === 'unstale' ? await join(role, server.name) : undefined;
  const onSaved = (id: string): void => {
    passed({ type: 'saved', id, server: server.name, atMs: sharedNowMs() });
  };
  const cache = cacheOf(role.mode, { storage, cluster, ttlMs: role.ttlMs, onSaved });
  return { service: await serveResources(server.port, cache), cluster };
}

async function join(role: ServersRole, label: string): Promise<Cluster> {
  return await joinCluster({
    name: role.cluster,
    bus: await loadBus(role.bus, { label }),
    label,
    expectedNodes: role.nodes,
    lingerMs: LINGER_MS,
  });
}

function cacheOf(
  mode: Mode,
  options: {
    readonly storage: RemoteStorage;
    readonly cluster: Cluster | undefined;
    readonly ttlMs: number;
    readonly onSaved: (id: string) => void;
  },
): ResourceCache {
  const { storage, cluster, ttlMs, onSaved } = options;
  if (mode === 'none') return noCache(storage);
  if (cluster === undefined) return ttlCache(storage, ttlMs);
  const cache = cluster.cache<Versioned>(REGION, {
    maxEntries: MAX_ENTRIES,
    load: (id) => storage.read(id),
  });
  return coherentCache(storage, cache, onSaved);
}

async function untilReady(servers: readonly RunningServer[]): Promise<void> {
  const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
  try {
    await Promise.all(servers.map(async ({ cluster }) => cluster?.ready({ signal })));
  } catch {
    throw new UserError(
      `the servers did not hear each other on the bus within ${READY_TIMEOUT_MS / 1_000} s; ` +
        'do all of them reach the same room, topic or exchange, and may all of them speak there? ' +
        servers.map(whomItHears).join(', '),
    );
  }
}

function whomItHears({ cluster }: RunningServer): string {
  if (cluster === undefined) return '';
  const { node, bus, settled, members } = cluster.status();
  const heard = members.map((member) => `${member.node} (${member.note})`).join(', ');
  const state = `bus ${bus}, ${settled ? '' : 'not '}settled`;
  return `${node} (${state}) hears ${heard === '' ? 'nobody' : heard}`;
}

/** What the nodes of this process tell on their diagnostics channels, made into passages and events. */
function observe(passed: (passage: Passage) => void, say: Say): void {
  subscribe('unstale:applied', (message) => {
    const applied = readApplied(message);
    if (applied === undefined) return;
    const { node, by, ids } = applied;
    const atMs = sharedNowMs();
    for (const id of ids) passed({ type: 'dropped', id, server: node, by, atMs });
  });
  for (const [channel, read] of [
    ['unstale:continuity', readContinuity],
    ['unstale:report', readForeign],
  ] as const) {
    subscribe(channel, (message) => {
      const event = read(message);
      if (event !== undefined) say({ type: 'event', server: event.node, text: event.text });
    });
  }
}
