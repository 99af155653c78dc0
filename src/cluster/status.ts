import type { BusErrorCode } from '../bus/bus-error.ts';
import type { Counters } from '../protocol/counters.ts';
import type { ClusterNode } from './node.ts';

/** What a person needs to see why a node trusts its caches, or does not. Ages in ms. */
export interface ClusterStatus {
  readonly cluster: string;
  readonly node: string;
  readonly bus: 'open' | 'away';
  /** Why it is away, and what to do; `undefined` while it is open. */
  readonly busProblem: { readonly code: BusErrorCode; readonly message: string } | undefined;
  /** Knows whom to require. Until then its caches live by time alone. */
  readonly settled: boolean;
  /** Is required by everybody: its writes are covered. */
  readonly ready: boolean;
  /** The staleness bound in force. */
  readonly boundMs: number;
  readonly members: readonly MemberStatus[];
  /** Batches that the broker has not accepted yet. */
  readonly unsent: number;
  /** Frames that came faster than they could be applied, and were left to repair. */
  readonly droppedFrames: number;
  readonly counters: Counters;
  /** Where the regions are divided among several channels: each of them, in their order; all else here sums them up. */
  readonly shards?: readonly ClusterStatus[];
}

export interface MemberStatus {
  readonly node: string;
  /** How long ago it was last known to be alive. */
  readonly silentMs: number;
  /** How old the proof is that everything it published has been applied here; `Infinity`: there is none. */
  readonly proofAgeMs: number;
  /** Numbers of it that are known to be missing. */
  readonly missing: number;
  /** Why its proof is no better. */
  readonly note:
    'proven' | 'gap' | 'not-echoed' | 'old' | 'newer-version' | 'shards-differ' | 'leaving';
}

export function clusterStatus(node: ClusterNode): ClusterStatus {
  const { core, settings, runtime } = node;
  const now = runtime.now();
  const members: MemberStatus[] = [];
  for (const peer of core.members.all()) {
    const proofAgeMs = now.localMs - peer.provenAtMs;
    const missing = peer.sequence.missingCount;
    const base = { node: peer.origin, silentMs: now.monoMs - peer.aliveAtMs, proofAgeMs, missing };
    if (peer.opaque) members.push({ ...base, note: 'newer-version' });
    else if (core.members.isUnlike(peer)) members.push({ ...base, note: 'shards-differ' });
    else if (peer.final !== undefined) members.push({ ...base, note: 'leaving' });
    else if (missing > 0) members.push({ ...base, note: 'gap' });
    else if (proofAgeMs === Number.POSITIVE_INFINITY) members.push({ ...base, note: 'not-echoed' });
    else members.push({ ...base, note: proofAgeMs < core.boundMs ? 'proven' : 'old' });
  }
  const problem = node.line.problem;
  return {
    cluster: settings.cluster,
    node: core.origin,
    bus: node.line.isOpen ? 'open' : 'away',
    busProblem: problem && { code: problem.code, message: problem.message },
    settled: core.members.settled,
    ready: core.members.ready,
    boundMs: core.boundMs,
    members,
    unsent: core.publisher.unsent,
    droppedFrames: node.line.droppedFrames,
    counters: structuredClone(core.counters),
  };
}
