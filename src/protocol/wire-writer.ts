import {
  WIRE_VERSION,
  type Beat,
  type DigestEntry,
  type Invalidation,
  type Message,
  type Origin,
  type Repair,
} from './message.ts';

/** A message in the letters of the wire format; `undefined` is left out. */
export type Wire = Readonly<Record<string, unknown>>;

/** Objects of one shape for each type: engines write those fastest. */
export function toWire(cluster: string, message: Exclude<Message, { type: 'unknown' }>): Wire {
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
    lo: message.low,
    k: keys,
    g: tags,
    p: prefixes,
    r: regions,
    f: all === true ? 1 : undefined,
    a: message.ackWanted ? 1 : undefined,
    h: message.held,
    w: message.wallMs,
    via: message.via,
    tp: message.traceparent,
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
    h: message.held,
    k: keys,
    g: tags,
    p: prefixes,
    r: regions,
    f: all === true ? 1 : undefined,
    a: message.ackWanted ? 1 : undefined,
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
    p: beat.asked,
    rg: beat.regions,
    m: digest && digestToWire(digest),
    c: beat.part,
    x: departed && Object.fromEntries(departed),
    cfg: config && [config.maxStalenessMs, config.beatIntervalMs],
    cap: features.length === 0 ? undefined : features,
  };
}

function digestToWire(digest: ReadonlyMap<Origin, DigestEntry>): Record<Origin, number[]> {
  const wire: Record<Origin, number[]> = {};
  for (const [origin, entry] of digest) wire[origin] = entryToWire(entry);
  return wire;
}

function entryToWire(entry: DigestEntry): number[] {
  const { contig, beat, ageMs, max } = entry;
  if (max !== contig) return [contig, beat, Math.round(ageMs), max];
  return ageMs > 0 ? [contig, beat, Math.round(ageMs)] : [contig, beat];
}
