import { LIMITS } from './limits.ts';
import {
  WIRE_VERSION,
  type Beat,
  type DigestEntry,
  type Invalidation,
  type Message,
  type Origin,
  type Range,
  type Repair,
} from './message.ts';
import type { ByRegion, Selection } from './selection.ts';

/** Why a frame was refused. Each reason is counted on its own. */
export type RefusalReason = 'too-large' | 'not-json' | 'not-a-message' | 'malformed';

export type Decoded =
  | { readonly type: 'message'; readonly message: Message }
  /** A frame of another cluster that shares the channel. */
  | { readonly type: 'other-cluster' }
  /** A frame of a later major version: its origin exists, but says nothing that we could trust (VER-1). */
  | { readonly type: 'newer'; readonly origin: Origin }
  | { readonly type: 'refused'; readonly reason: RefusalReason };

/** What reads frames: `decode`, or something that remembers what it has read. */
export type Decoder = (frame: string, cluster: string, maxFrameBytes: number) => Decoded;

/** Writes a message as one line of ASCII JSON: what every broker carries unchanged. */
export function encode(cluster: string, message: Exclude<Message, { type: 'unknown' }>): string {
  return ascii(JSON.stringify(toWire(cluster, message)));
}

/**
 * Reads a frame. Total: it never throws, whatever the text, and allocates in proportion to the
 * length of the frame, never to a number in it.
 */
export function decode(frame: string, cluster: string, maxFrameBytes: number): Decoded {
  if (frame.length > maxFrameBytes) return refused('too-large');
  let wire: unknown;
  try {
    wire = JSON.parse(frame);
  } catch {
    return refused('not-json');
  }
  if (!isRecord(wire)) return refused('not-a-message');
  const { v: version, ns, o: origin, t: type } = wire;
  if (!isNumber(version) || version < 1 || !isName(ns) || !isOrigin(origin)) {
    return refused('not-a-message');
  }
  if (ns !== cluster) return { type: 'other-cluster' };
  if (version > WIRE_VERSION) return { type: 'newer', origin };
  if (typeof type !== 'string') return refused('not-a-message');
  const message = fromWire(type, origin, wire);
  return message === undefined ? refused('malformed') : { type: 'message', message };
}

/** The length that a string has in a frame, quotes and escapes included, in bytes. */
export function wireLength(text: string): number {
  return PLAIN.test(text) ? text.length + 2 : ascii(JSON.stringify(text)).length;
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;

function ascii(json: string): string {
  return json.replace(
    NOT_ASCII,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

type Wire = Readonly<Record<string, unknown>>;

function toWire(cluster: string, message: Exclude<Message, { type: 'unknown' }>): Wire {
  const { type, origin } = message;
  switch (type) {
    case 'inv':
      return invalidationToWire(cluster, message);
    case 'beat':
      return beatToWire(cluster, message);
    case 'nack':
      return {
        v: WIRE_VERSION,
        ns: cluster,
        t: type,
        o: origin,
        p: message.publisher,
        l: message.ranges,
      };
    case 'rep':
      return repairToWire(cluster, message);
    case 'ack':
      return {
        v: WIRE_VERSION,
        ns: cluster,
        t: type,
        o: origin,
        a: Object.fromEntries(message.acks),
      };
    case 'bye':
      return { v: WIRE_VERSION, ns: cluster, t: type, o: origin, s: message.seq };
  }
}

function invalidationToWire(cluster: string, message: Invalidation): Wire {
  const { keys, tags, prefixes, regions, all } = message.selection;
  return {
    v: WIRE_VERSION,
    ns: cluster,
    t: message.type,
    o: message.origin,
    s: message.seq,
    k: keys,
    g: tags,
    p: prefixes,
    r: regions,
    f: all === true ? 1 : undefined,
    a: message.ackWanted ? 1 : undefined,
    h: message.held,
    w: message.wallMs,
    via: message.via,
  };
}

function repairToWire(cluster: string, message: Repair): Wire {
  const { keys, tags, prefixes, regions, all } = message.selection;
  return {
    v: WIRE_VERSION,
    ns: cluster,
    t: message.type,
    o: message.origin,
    l: message.range,
    s: message.seq,
    k: keys,
    g: tags,
    p: prefixes,
    r: regions,
    f: all === true ? 1 : undefined,
  };
}

function beatToWire(cluster: string, beat: Beat): Wire {
  const { digest, departed, config, features } = beat;
  return {
    v: WIRE_VERSION,
    ns: cluster,
    t: beat.type,
    o: beat.origin,
    s: beat.seq,
    h: beat.held,
    b: beat.beat,
    e: beat.settled ? 1 : undefined,
    j: beat.joining ? 1 : undefined,
    rg: beat.regions,
    m: digest && Object.fromEntries([...digest].map(([one, entry]) => [one, entryToWire(entry)])),
    n: beat.required,
    x: departed && Object.fromEntries(departed),
    cfg: config && [config.maxStalenessMs, config.beatIntervalMs],
    cap: features.length === 0 ? undefined : features,
  };
}

function entryToWire(entry: DigestEntry): number[] {
  const { contig, beat, ageMs, max } = entry;
  if (max !== contig) return [contig, beat, Math.round(ageMs), max];
  return ageMs > 0 ? [contig, beat, Math.round(ageMs)] : [contig, beat];
}

function fromWire(type: string, origin: Origin, wire: Wire): Message | undefined {
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

function readInvalidation(origin: Origin, wire: Wire): Message | undefined {
  const { s: seq, a: ack, h: held, w: wallMs, via } = wire;
  const selection = readSelection(wire);
  if (selection === undefined || !isSeq(seq) || seq < 1) return undefined;
  if (!isOptional(held, isSeq) || !isOptional(wallMs, isNumber)) return undefined;
  if (!isOptional(via, isKey)) return undefined;
  return {
    type: 'inv',
    origin,
    seq,
    selection,
    ackWanted: ack === 1,
    ...(held === undefined ? {} : { held }),
    ...(wallMs === undefined ? {} : { wallMs }),
    ...(via === undefined ? {} : { via }),
  };
}

function readBeat(origin: Origin, wire: Wire): Message | undefined {
  const { s: seq, h: held, b: beat, rg: regions, n: required, cfg: config, cap: features } = wire;
  if (!isSeq(seq) || !isSeq(beat)) return undefined;
  if (!isOptional(held, isSeq) || !isOptional(required, isSeq)) return undefined;
  if (!isOptional(regions, isListOf(isRegion)) || !isOptional(features, isListOf(isName))) {
    return undefined;
  }
  if (!isOptional(config, isConfig)) return undefined;
  const digest = wire['m'] === undefined ? undefined : readDigest(wire['m']);
  const departed = wire['x'] === undefined ? undefined : readMap(wire['x'], isSeq);
  if (wire['m'] !== undefined && digest === undefined) return undefined;
  if (wire['x'] !== undefined && departed === undefined) return undefined;
  return {
    type: 'beat',
    origin,
    seq,
    beat,
    settled: wire['e'] === 1,
    joining: wire['j'] === 1,
    features: features ?? [],
    ...(held === undefined ? {} : { held }),
    ...(regions === undefined ? {} : { regions }),
    ...(digest === undefined ? {} : { digest }),
    ...(required === undefined ? {} : { required }),
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
  const { l: range, s: seq } = wire;
  const selection = readSelection(wire);
  if (selection === undefined || !isRange(range) || !isSeq(seq)) return undefined;
  return { type: 'rep', origin, range, seq, selection };
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

function refused(reason: RefusalReason): Decoded {
  return { type: 'refused', reason };
}

function isRecord(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Sequence and beat numbers, and ages: safe integers that are not negative (PUB-6). */
function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRange(value: unknown): value is Range {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [low, high]: unknown[] = value;
  return isSeq(low) && isSeq(high) && 1 <= low && low <= high;
}

function isConfig(value: unknown): value is readonly [number, number] {
  return (
    Array.isArray(value) && value.length === 2 && value.every((item) => isNumber(item) && item > 0)
  );
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LIMITS.nameLength;
}

function isOrigin(value: unknown): value is Origin {
  return (
    typeof value === 'string' &&
    value.length > 2 &&
    value.length <= 2 * LIMITS.nameLength + 1 &&
    value.includes('/')
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
