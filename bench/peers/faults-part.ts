import type { BenchOptions } from '../bench-options.ts';
import {
  CUT_KEYS,
  CUT_MS,
  HEALED_MS,
  LOADS,
  loadsInFlight,
  missedWhileCutOff,
} from './fault-cases.ts';
import { FaultPair } from './fault-pair.ts';
import type { Grounds, Side } from './grounds.ts';
import type { Part } from './part.ts';
import { Truth } from './truth.ts';

const NOTE =
  `faults: two nodes as they are by default, the second one behind a proxy. Missed while cut off: its connections are ` +
  `reset and refused for ${CUT_MS / 1_000} s while ${CUT_KEYS} of its entries are invalidated at the first, and read ` +
  `${HEALED_MS / 1_000} s after the end. In-flight load: ${LOADS} loads of the second node have read the old value, the keys ` +
  'are invalidated at the first, the second has heard of it, and then the loads answer; read again after that. Counted ' +
  'are values that are served although they were invalidated; they would be served until their time to live ends.';

interface Outcome {
  readonly side: Side;
  readonly missed: number;
  readonly inFlight: number;
}

/** What is still served after something has gone wrong. */
export async function faultsPart(grounds: Grounds, options: BenchOptions): Promise<Part> {
  const sides = [...grounds.ours, ...grounds.peers];
  options.onProgress?.(`faults: ${sides.length} sides are cut off at the same time`);
  const outcomes = await Promise.all(sides.map((side) => suffer(side, grounds, options)));
  return {
    table: {
      title: 'faults: is an old value served afterwards?',
      head: ['', 'missed while cut off', 'in-flight load'],
      rows: outcomes.map(({ side, missed, inFlight }) => [
        side.title,
        told(missed, CUT_KEYS),
        told(inFlight, LOADS),
      ]),
    },
    verdicts: outcomes
      .filter(({ side }) => grounds.ours.includes(side))
      .map(({ side, missed, inFlight }) => ({
        promise: `${side.title}: old values served after a fault`,
        measured: missed + inFlight,
        limit: 0,
        holds: missed + inFlight === 0,
      })),
    note: NOTE,
  };
}

async function suffer(side: Side, grounds: Grounds, options: BenchOptions): Promise<Outcome> {
  const truth = new Truth();
  await using pair = await FaultPair.start(side, grounds, truth.load);
  const inFlight = await loadsInFlight(pair, truth);
  const missed = await missedWhileCutOff(pair, truth);
  options.onProgress?.(`faults: ${side.title}: ${missed} missed, ${inFlight} loaded old`);
  return { side, missed, inFlight };
}

function told(old: number, of: number): string {
  return old === 0 ? `no (0 of ${of})` : `YES (${old} of ${of})`;
}
