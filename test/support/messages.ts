import type {
  Beat,
  DigestEntry,
  Invalidation,
  Origin,
  Repair,
} from '../../src/protocol/message.ts';

/** An invalidation of keys of the region `things`. */
export function invOf(
  origin: Origin,
  seq: number,
  keys: readonly string[] = [`key-${seq}`],
  rest: Partial<Invalidation> = {},
): Invalidation {
  return {
    type: 'inv',
    origin,
    seq,
    selection: { keys: { things: keys } },
    ackWanted: false,
    ...rest,
  };
}

/** A beat; with `digest` it is a full one. */
export function beatOf(
  origin: Origin,
  {
    digest,
    ...rest
  }: Omit<Partial<Beat>, 'digest'> & { digest?: Record<Origin, Partial<DigestEntry>> } = {},
): Beat {
  const entries = Object.entries(digest ?? {}).map(([listed, entry]) => {
    const contig = entry.contig ?? 0;
    return [listed, { contig, beat: 0, ageMs: 0, max: contig, ...entry }] as const;
  });
  return {
    type: 'beat',
    origin,
    seq: 0,
    beat: 1,
    settled: true,
    joining: false,
    features: [],
    ...(digest === undefined ? {} : { digest: new Map(entries) }),
    ...rest,
  };
}

export function repOf(
  origin: Origin,
  range: readonly [number, number],
  keys: readonly string[] = [],
  rest: Partial<Repair> = {},
): Repair {
  return {
    type: 'rep',
    origin,
    range,
    seq: range[1],
    selection: keys.length === 0 ? {} : { keys: { things: keys } },
    ackWanted: false,
    ...rest,
  };
}
