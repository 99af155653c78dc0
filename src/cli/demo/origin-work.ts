import { sharedNowMs } from './clock.ts';
import { serveResources } from './http-service.ts';
import { Origin, type Commit } from './origin.ts';
import type { Role, Telling } from './worker-protocol.ts';
import type { Work } from './worker.ts';

/** How often the commits are told, in ms: so old are the newest figures that progress shows. */
const TELL_EVERY_MS = 50;

export async function startOrigin(
  role: Extract<Role, { type: 'origin' }>,
  say: (telling: Telling) => void,
): Promise<Work> {
  let commits: Commit[] = [];
  const origin = new Origin({ ...role, onCommit: (commit) => commits.push(commit) });
  const tellCommits = (): void => {
    // In this order: what is committed after it is told next time.
    const untilMs = sharedNowMs();
    say({ type: 'commits', commits, untilMs });
    commits = [];
  };
  const service = await serveResources(role.port, origin);
  const timer = setInterval(tellCommits, TELL_EVERY_MS);
  return {
    bases: [service.base],
    measure: () => {
      origin.takeReads();
    },
    tell: () => {
      tellCommits();
      return origin.takeReads();
    },
    stop: async () => {
      clearInterval(timer);
      await service.close();
    },
  };
}
