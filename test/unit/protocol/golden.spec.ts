import { deepStrictEqual } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { decode, encode } from '../../../src/protocol/codec.ts';
import type { Message } from '../../../src/protocol/message.ts';

const FOLDER = new URL('../../golden/', import.meta.url);

type Sendable = Exclude<Message, { type: 'unknown' }>;

/** What each golden frame of wire version 1 says. A frame never changes; a new one may be added. */
const SAID: Readonly<Record<string, Sendable>> = {
  'inv.keys': {
    type: 'inv',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 813,
    selection: { keys: { articles: ['42', '43'] } },
    ackWanted: false,
    wallMs: 1_785_000_000_123,
  },
  'inv.everything': {
    type: 'inv',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 820,
    selection: { all: true },
    ackWanted: false,
    wallMs: 1_785_000_000_123,
  },
  'inv.full': {
    type: 'inv',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 819,
    low: 815,
    selection: {
      keys: { articles: ['42'], '*': ['gänse/🪿', 'line\nbreak', '\u0000\u007f\ud800'] },
      tags: { articles: ['author:7'] },
      prefixes: { articles: ['2026/'] },
      regions: ['authors'],
    },
    ackWanted: true,
    held: 814,
    wallMs: 1_785_000_000_123,
    via: 'room-message-17',
  },
  'inv.traced': {
    type: 'inv',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 821,
    selection: { keys: { articles: ['42'] } },
    ackWanted: false,
    wallMs: 1_785_000_000_123,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
  'inv.abort': {
    type: 'inv',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 814,
    selection: {},
    ackWanted: false,
  },
  'beat.full': {
    type: 'beat',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 812,
    held: 811,
    beat: 4_410,
    settled: true,
    joining: true,
    asked: 'job-1/zz81zz81zz81z',
    regions: ['articles'],
    digest: new Map([
      ['web-2/p0d2p0d2p0d2p', { contig: 77, beat: 4_391, ageMs: 0, max: 77 }],
      ['job-1/zz81zz81zz81z', { contig: 5_120, beat: 4_402, ageMs: 11_800, max: 5_120 }],
      ['job-2/aaaabbbbccccd', { contig: 3, beat: 9, ageMs: 0, max: 8 }],
    ]),
    part: ['job-1/0', 'web-2/p0d2p0d2p0d2p'],
    departed: new Map([['web-3/00000000000aa', 12]]),
    config: { maxStalenessMs: 30_000, beatIntervalMs: 5_000 },
    features: ['stale'],
  },
  'beat.idle': {
    type: 'beat',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 812,
    beat: 4_411,
    settled: true,
    joining: false,
    digest: new Map([['web-2/p0d2p0d2p0d2p', { contig: 77, beat: 4_391, ageMs: 0, max: 77 }]]),
    features: [],
  },
  'beat.thin': {
    type: 'beat',
    origin: 'web-1/k3f9x2a7p0d2m',
    seq: 812,
    beat: 4_412,
    settled: false,
    joining: false,
    features: [],
  },
  nack: {
    type: 'nack',
    origin: 'web-2/p0d2p0d2p0d2p',
    publisher: 'web-1/k3f9x2a7p0d2m',
    ranges: [
      [801, 801],
      [805, 812],
    ],
  },
  'rep.keys': {
    type: 'rep',
    origin: 'web-1/k3f9x2a7p0d2m',
    range: [805, 810],
    seq: 812,
    held: 811,
    selection: { keys: { articles: ['42', '44'] } },
    ackWanted: true,
  },
  'rep.regions': {
    type: 'rep',
    origin: 'web-1/k3f9x2a7p0d2m',
    range: [1, 400],
    seq: 812,
    selection: { regions: ['articles', 'authors'] },
    ackWanted: false,
  },
  ack: {
    type: 'ack',
    origin: 'web-2/p0d2p0d2p0d2p',
    acks: new Map([
      ['web-1/k3f9x2a7p0d2m', 812],
      ['job-1/zz81zz81zz81z', 5_120],
    ]),
  },
  bye: { type: 'bye', origin: 'web-2/p0d2p0d2p0d2p', seq: 77 },
};

/** The bytes of a golden file, without the line feed that ends it. */
function golden(name: string): string {
  const text = readFileSync(new URL(`${name}.json`, FOLDER), 'latin1');
  expect(text.endsWith('\n')).to.equal(true);
  return text.slice(0, -1);
}

describe('the golden frames of wire version 1', () => {
  for (const [name, message] of Object.entries(SAID)) {
    it(`${name}: is written with exactly these bytes`, () => {
      expect(encode('shop', message)).to.equal(golden(name));
    });

    it(`${name}: is read as what it says`, () => {
      deepStrictEqual(decode(golden(name), 'shop', 65_536), { type: 'message', message });
    });
  }

  it('are all spoken for, and every type of message has one', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
    expect(files.toSorted()).to.deep.equal(
      Object.keys(SAID)
        .map((name) => `${name}.json`)
        .toSorted(),
    );
    const types = new Set(Object.values(SAID).map(({ type }) => type));
    expect(types).to.deep.equal(new Set(['inv', 'beat', 'nack', 'rep', 'ack', 'bye']));
  });
});
