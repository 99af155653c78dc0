import type { Counters } from '../protocol/counters.ts';
import type { ShardGroup } from './shard-group.ts';
import { clusterStatus, type ClusterStatus } from './status.ts';

/** The state of a process in its cluster: as bad as that of its worst channel. */
export function groupStatus({ first, nodes }: ShardGroup): ClusterStatus {
  const status = clusterStatus(first);
  if (nodes.length === 1) return status;
  const shards = nodes.map((node) => clusterStatus(node));
  const away = shards.find(({ bus }) => bus === 'away');
  return {
    ...status,
    bus: away === undefined ? 'open' : 'away',
    busProblem: shards.find(({ busProblem }) => busProblem !== undefined)?.busProblem,
    settled: shards.every(({ settled }) => settled),
    ready: shards.every(({ ready }) => ready),
    boundMs: Math.max(...shards.map(({ boundMs }) => boundMs)),
    members: shards.flatMap(({ members }) => members),
    unsent: sum(shards.map(({ unsent }) => unsent)),
    droppedFrames: sum(shards.map(({ droppedFrames }) => droppedFrames)),
    counters: shards.map(({ counters }) => counters).reduce(added),
    shards,
  };
}

function added(one: Counters, other: Counters): Counters {
  const framesRefused = { ...one.framesRefused };
  for (const [reason, count] of Object.entries(other.framesRefused)) {
    framesRefused[reason] = (framesRefused[reason] ?? 0) + count;
  }
  return {
    framesHeard: one.framesHeard + other.framesHeard,
    framesRefused,
    foreignApplied: one.foreignApplied + other.foreignApplied,
    foreignRefused: one.foreignRefused + other.foreignRefused,
    duplicates: one.duplicates + other.duplicates,
    lost: one.lost + other.lost,
    repaired: one.repaired + other.repaired,
    fenced: one.fenced + other.fenced,
    published: one.published + other.published,
    beatsSent: one.beatsSent + other.beatsSent,
    nacksSent: one.nacksSent + other.nacksSent,
    nacksSuppressed: one.nacksSuppressed + other.nacksSuppressed,
    repairsSent: one.repairsSent + other.repairsSent,
    adopted: one.adopted + other.adopted,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
