import type { Configuration } from '../../config/configuration.ts';
import type { Cluster, ClusterStatus } from '../../index.ts';
import { busesFor, joinFor } from '../cluster-flags.ts';
import { labelOf } from '../watch/event-line.ts';
import { ok, warning, type Finding } from './finding.ts';
import { deadline } from '../deadline.ts';

/** Takes part for a moment: who is there, who answers, who does not. */
export async function checkCluster(
  configuration: Configuration,
  withinMs: number,
  signal: AbortSignal,
): Promise<Finding> {
  const buses = await busesFor(configuration, 'doctor');
  const label = `doctor-${process.pid}`;
  const cluster = await joinFor(configuration, { label, ...buses, signal, lingerMs: 0 });
  try {
    await settled(cluster, withinMs, signal);
    // A key that nobody has: dropping it costs nothing, and everybody who acknowledges it is there.
    const { acked, missing } = await cluster.invalidate(
      { keys: `unstale-doctor ${process.pid}` },
      { ack: Math.max(1, onFirstChannel(cluster).members.length), timeoutMs: withinMs },
    );
    return tell(cluster, acked, missing);
  } finally {
    await cluster.close();
  }
}

function tell(cluster: Cluster, acked: readonly string[], missing: readonly string[]): Finding {
  const { members, cluster: name } = onFirstChannel(cluster);
  if (members.length === 0 && missing.length === 0) {
    return warning(
      'cluster',
      `nobody else of the cluster ${JSON.stringify(name)} is here`,
      'if others should be: compare their cluster name and channel with ours',
    );
  }
  const there = acked.map(labelOf).join(', ');
  if (missing.length === 0) return ok('cluster', `every member answers: ${there}`);
  return warning(
    'cluster',
    `${missing.map(labelOf).join(', ')} ${missing.length === 1 ? 'does' : 'do'} not answer${there === '' ? '' : `; ${there} ${acked.length === 1 ? 'does' : 'do'}`}`,
    'a process that was killed stays in the list for forgetAfterMs; one that hangs or hears nothing needs a look',
  );
}

/** Everybody is on the first channel, and what names no region goes over it. */
function onFirstChannel(cluster: Cluster): ClusterStatus {
  const status = cluster.status();
  return status.shards?.[0] ?? status;
}

/** The first beats of a newcomer are answered within a moment. */
async function settled(cluster: Cluster, withinMs: number, signal: AbortSignal): Promise<void> {
  const within = deadline(signal, Math.min(withinMs, 1_500));
  await cluster.ready({ signal: within }).catch(() => undefined);
}
