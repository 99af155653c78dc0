import { CLONES } from './clones.ts';
import { MEMBERSHIP } from './membership.ts';
import { READING } from './reading.ts';
import type { Directed } from './scenario.ts';
import { TRAFFIC } from './traffic.ts';

/** One directed schedule for each protection: it passes with it, and fails without. */
export const DIRECTED: readonly Directed[] = [...READING, ...MEMBERSHIP, ...TRAFFIC, ...CLONES];
