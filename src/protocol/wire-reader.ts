import { LIMITS } from './limits.ts';
import type { Beat, DigestEntry, Message, Origin, Part, Range } from './message.ts';
import type { ByRegion, Selection } from './selection.ts';
import type { Wire } from './wire-writer.ts';

/** Reads what a frame of version 1 says; `undefined` where a field is not what it must be. Unknown fields are ignored. */
export function fromWire(type: string, origin: Origin, wire: Wire): Message | undefined {
  switch (type) {
    case 'inv':
      return readInvalidation(origin, wire);
    case 'beat':
      return readBeat(origin, wire);
    case 'nack':
      return readNack(origin, wire);
    case 'rep':
      return readRepair(origin, wire);
    case 'ack': {
      const acks = readMap(wire['a'], isSeq);
      return acks && { type, origin, acks };
    }
    case 'bye':
      return isSeq(wire['s']) ? { type, origin, seq: wire['s'] } : undefined;
    default:
      return { type: 'unknown', origin };
  }
}

export function isRecord(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LIMITS.nameLength;
}

export function isOrigin(value: unknown): value is Origin {
  return (
    typeof value === 'string' &&
    value.length > 2 &&
    value.length <= 2 * LIMITS.nameLength + 1 &&
    value.includes('/')
  );
}

function readInvalidation(origin: Origin, wire: Wire): Message | undefined {
  const { s: seq, lo: low, a: ack, h: held, w: wallMs, via, tp } = wire;
  const selection = readSelection(wire);
  if (selection === undefined || !isNumbered(seq)) return undefined;
  if (!isOptional(held, isNumbered) || !isOptional(wallMs, isNumber)) return undefined;
  if (!isOptional(via, isKey) || !isOptional(low, isNumbered)) return undefined;
  if (low !== undefined && low > seq) return undefined;
  return {
    type: 'inv',
    origin,
    seq,
    selection,
    ackWanted: ack === 1,
    ...(low === undefined ? {} : { low }),
    ...(held === undefined ? {} : { held }),
    ...(wallMs === undefined ? {} : { wallMs }),
    ...(via === undefined ? {} : { via }),
    // Of no consequence here: an invalidation is not refused because of what is only for tracing.
    ...(isTraceparent(tp) ? { traceparent: tp } : {}),
  };
}

/** W3C Trace Context, version 00: `00-<trace id>-<parent id>-<flags>`, in lower case. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);
}

function readBeat(origin: Origin, wire: Wire): Beat | undefined {
  const { s: seq, h: held, b: beat, p: asked, rg: regions, cfg: config, cap: features } = wire;
  const { m: listed, c: part, x: gone } = wire;
  if (!isSeq(seq) || !isSeq(beat) || !isOptional(held, isNumbered)) return undefined;
  if (!isOptional(asked, isOrigin) || !isOptional(part, isPart)) return undefined;
  if (!isOptional(regions, isListOf(isRegion)) || !isOptional(config, isConfig)) return undefined;
  if (!isOptional(features, isListOf(isName))) return undefined;
  const digest = listed === undefined ? undefined : readDigest(listed);
  const departed = gone === undefined ? undefined : readMap(gone, isSeq);
  if (listed !== undefined && digest === undefined) return undefined;
  if (gone !== undefined && departed === undefined) return undefined;
  return {
    type: 'beat',
    origin,
    seq,
    beat,
    settled: wire['e'] === 1,
    joining: wire['j'] === 1,
    // Kept for as long as the peer is: no more of them than anybody needs.
    features: features?.slice(0, LIMITS.features) ?? [],
    ...(held === undefined ? {} : { held }),
    ...(asked === undefined ? {} : { asked }),
    ...(regions === undefined || regions.length > LIMITS.beatRegions ? {} : { regions }),
    ...(digest === undefined ? {} : { digest }),
    ...(part === undefined ? {} : { part }),
    ...(departed === undefined ? {} : { departed }),
    ...(config === undefined
      ? {}
      : { config: { maxStalenessMs: config[0], beatIntervalMs: config[1] } }),
  };
}

function readDigest(value: unknown): ReadonlyMap<Origin, DigestEntry> | undefined {
  if (!isRecord(value)) return undefined;
  const digest = new Map<Origin, DigestEntry>();
  for (const [origin, entry] of Object.entries(value)) {
    if (!isOrigin(origin) || !isListOf(isSeq)(entry)) return undefined;
    const [contig, beat, ageMs = 0, max = contig] = entry;
    if (contig === undefined || beat === undefined || max === undefined) return undefined;
    digest.set(origin, { contig, beat, ageMs, max });
  }
  return digest;
}

function readNack(origin: Origin, wire: Wire): Message | undefined {
  const { p: publisher, l: ranges } = wire;
  if (!isOrigin(publisher) || !isListOf(isRange)(ranges)) return undefined;
  if (ranges.length > LIMITS.nackRanges) return undefined;
  return { type: 'nack', origin, publisher, ranges };
}

function readRepair(origin: Origin, wire: Wire): Message | undefined {
  const { l: range, s: seq, h: held } = wire;
  const selection = readSelection(wire);
  if (selection === undefined || !isRange(range) || !isSeq(seq)) return undefined;
  if (!isOptional(held, isNumbered)) return undefined;
  return {
    type: 'rep',
    origin,
    range,
    seq,
    selection,
    ackWanted: wire['a'] === 1,
    ...(held === undefined ? {} : { held }),
  };
}

function readSelection(wire: Wire): Selection | undefined {
  const { k: keys, g: tags, p: prefixes, r: regions, f: all } = wire;
  if (!isOptional(keys, isByRegion) || !isOptional(tags, isByRegion)) return undefined;
  if (!isOptional(prefixes, isByRegion)) return undefined;
  if (!isOptional(regions, isListOf(isRegion))) return undefined;
  return {
    ...(keys === undefined ? {} : { keys }),
    ...(tags === undefined ? {} : { tags }),
    ...(prefixes === undefined ? {} : { prefixes }),
    ...(regions === undefined ? {} : { regions }),
    ...(all === 1 ? { all: true } : {}),
  };
}

function readMap<T>(
  value: unknown,
  is: (item: unknown) => item is T,
): ReadonlyMap<Origin, T> | undefined {
  if (!isRecord(value)) return undefined;
  const map = new Map<Origin, T>();
  for (const [origin, item] of Object.entries(value)) {
    if (!isOrigin(origin) || !is(item)) return undefined;
    map.set(origin, item);
  }
  return map;
}

/** Sequence and beat numbers, and ages: safe integers that are not negative (PUB-6). */
function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The number of a batch: they begin with 1. */
function isNumbered(value: unknown): value is number {
  return isSeq(value) && value >= 1;
}

function isRange(value: unknown): value is Range {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [low, high]: unknown[] = value;
  return isNumbered(low) && isNumbered(high) && low <= high;
}

function isPart(value: unknown): value is Part {
  return isListOf(isOrigin)(value) && value.length === 2;
}

function isConfig(value: unknown): value is readonly [number, number] {
  return (
    Array.isArray(value) && value.length === 2 && value.every((item) => isNumber(item) && item > 0)
  );
}

function isRegion(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LIMITS.regionLength;
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.keyLength;
}

function isByRegion(value: unknown): value is ByRegion {
  if (!isRecord(value)) return false;
  for (const region in value) {
    if (!isRegion(region)) return false;
    const list = value[region];
    if (!Array.isArray(list)) return false;
    for (const item of list) if (!isKey(item)) return false;
  }
  return true;
}

function isListOf<T>(is: (item: unknown) => item is T): (value: unknown) => value is readonly T[] {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is);
}

function isOptional<T>(value: unknown, is: (item: unknown) => item is T): value is T | undefined {
  return value === undefined || is(value);
}
