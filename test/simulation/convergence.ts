import type { Member } from './member.ts';
import type { World } from './world.ts';

/** Why the cluster has not come to rest yet (I10), or `undefined` if it has. */
export function unrest(world: World): string | undefined {
  const members = [...world.working()];
  for (const member of members) {
    const reason =
      ownUnrest(member, world.plan.regions) ??
      strangers(member, members) ??
      staleEntry(world, member);
    if (reason !== undefined) return `${member.name}: ${reason}`;
  }
  return undefined;
}

function ownUnrest(member: Member, regions: readonly string[]): string | undefined {
  const { members, publisher } = member.core;
  if (!member.life.isRunning) return 'it is paused';
  if (!members.settled) return 'it is not settled';
  if (!members.ready) return 'it is not ready';
  if (publisher.unsent > 0) return `${publisher.unsent} batches are not sent`;
  if (publisher.held !== undefined) return `number ${publisher.held} is held back`;
  for (const peer of members.all()) if (peer.hasGap) return `it misses numbers of ${peer.origin}`;
  for (const region of regions) {
    if (!member.isProven(region)) return `its proof of region ${region} is old`;
  }
  return undefined;
}

/** Everybody who works is required by everybody. */
function strangers(member: Member, all: readonly Member[]): string | undefined {
  const missing = all.find(
    (other) => other !== member && member.core.members.get(other.origin) === undefined,
  );
  return missing && `it does not require ${missing.origin}`;
}

/** Nothing that was invalidated is served any more, however short the time since (G1). */
function staleEntry(world: World, member: Member): string | undefined {
  for (const region of world.plan.regions) {
    for (let index = 0; index < world.plan.keysPerRegion; index += 1) {
      const id = `${region}/k${index}`;
      const version = member.peek(region, `k${index}`);
      if (version === undefined) continue;
      world.invariants.served(member, id, version, world.nowMs);
      if (world.source.staleForMs(id, version, world.nowMs) > 0) return `it serves an old ${id}`;
    }
  }
  return undefined;
}
