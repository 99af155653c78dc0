import type { Origin } from './message.ts';

/** The part of an origin that a restart leaves as it was. */
export function labelOf(origin: Origin): string {
  return origin.slice(0, origin.lastIndexOf('/'));
}
