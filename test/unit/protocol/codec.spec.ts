import { deepStrictEqual } from 'node:assert/strict';
import { expect } from 'chai';
import fc from 'fast-check';
import { decode, encode, wireLength } from '../../../src/protocol/codec.ts';
import { LIMITS } from '../../../src/protocol/limits.ts';
import type { Message } from '../../../src/protocol/message.ts';

const LIMIT = 65_536;

type Sendable = Exclude<Message, { type: 'unknown' }>;

/** Any text, also what no encoder may choke on: lone surrogates, control characters, DEL, names of prototypes. */
const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      { maxLength: 12 },
    )
    .map((units) => units.join('')),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '*',
    'a/b',
    '\u0000',
    '\ud800',
    '\u007f',
    '\u2028',
    '"\\',
    ']]>',
    '',
  ),
);
const seq = fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant(Number.MAX_SAFE_INTEGER));
const count = fc.oneof(fc.constant(0), seq);
const region = oddText.filter((text) => text.length > 0 && text.length <= LIMITS.regionLength);
const key = oddText.filter((text) => text.length <= LIMITS.keyLength);
const origin = fc
  .tuple(fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.stringMatching(/^[a-v0-9]{13}$/))
  .map(([label, epoch]) => `${label}/${epoch}`);
const byRegion = fc
  .array(fc.tuple(region, fc.array(key, { maxLength: 4 })), { minLength: 1, maxLength: 3 })
  .map((lists) => Object.fromEntries(lists));
const selection = fc.oneof(
  fc.constant({ all: true }),
  record(
    {
      keys: byRegion,
      tags: byRegion,
      prefixes: byRegion,
      regions: fc.array(region, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  ),
);
const range = fc.tuple(seq, seq).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const entry = record({
  contig: count,
  beat: count,
  ageMs: fc.integer({ min: 0, max: 1e9 }),
  max: count,
});
const mapOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> =>
  fc
    .array(fc.tuple(origin, value), { minLength: 1, maxLength: 4 })
    .map((entries) => new Map(entries));

const message: fc.Arbitrary<Sendable> = fc.oneof(
  record(
    {
      type: fc.constant('inv' as const),
      origin,
      seq: fc.constant(Number.MAX_SAFE_INTEGER),
      low: seq,
      selection,
      ackWanted: fc.boolean(),
      held: seq,
      wallMs: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e15 }),
      via: key,
    },
    { requiredKeys: ['type', 'origin', 'seq', 'selection', 'ackWanted'] },
  ),
  record(
    {
      type: fc.constant('beat' as const),
      origin,
      seq: count,
      beat: count,
      settled: fc.boolean(),
      joining: fc.boolean(),
      held: seq,
      asked: origin,
      regions: fc.array(region, { minLength: 1, maxLength: 4 }),
      digest: mapOf(entry),
      part: fc.tuple(origin, origin),
      departed: mapOf(count),
      config: record({
        maxStalenessMs: fc.integer({ min: 1, max: 1e6 }),
        beatIntervalMs: fc.integer({ min: 1, max: 1e6 }),
      }),
      features: fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 4 }),
    },
    { requiredKeys: ['type', 'origin', 'seq', 'beat', 'settled', 'joining', 'features'] },
  ),
  record({
    type: fc.constant('nack' as const),
    origin,
    publisher: origin,
    ranges: fc.array(range, { minLength: 1, maxLength: LIMITS.nackRanges }),
  }),
  record(
    {
      type: fc.constant('rep' as const),
      origin,
      range,
      seq,
      held: seq,
      selection,
      ackWanted: fc.boolean(),
    },
    { requiredKeys: ['type', 'origin', 'range', 'seq', 'selection', 'ackWanted'] },
  ),
  record({ type: fc.constant('ack' as const), origin, acks: mapOf(count) }),
  record({ type: fc.constant('bye' as const), origin, seq: count }),
);

/** Values that no field wants. */
const wrong: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  2 ** 53,
  1e300,
  Number.MAX_VALUE,
  '',
  'x',
  [],
  {},
  [[]],
  { __proto__: null },
  [1, 2, 3],
  ['a'],
  '1',
  [-1, 5],
  [5, 1],
];

const SAMPLES: readonly Sendable[] = [
  {
    type: 'inv',
    origin: 'a/1',
    seq: 5,
    low: 4,
    selection: { keys: { r: ['k'] }, tags: { r: ['t'] }, prefixes: { r: ['p'] }, regions: ['q'] },
    ackWanted: true,
    held: 2,
    wallMs: 1,
    via: 'm',
  },
  {
    type: 'beat',
    origin: 'a/1',
    seq: 5,
    beat: 3,
    settled: true,
    joining: true,
    held: 2,
    asked: 'b/1',
    regions: ['r'],
    digest: new Map([['b/1', { contig: 1, beat: 2, ageMs: 3, max: 4 }]]),
    part: ['b/1', 'b/1'],
    departed: new Map([['c/1', 9]]),
    config: { maxStalenessMs: 30_000, beatIntervalMs: 5_000 },
    features: ['stale'],
  },
  { type: 'nack', origin: 'a/1', publisher: 'b/1', ranges: [[1, 2]] },
  {
    type: 'rep',
    origin: 'a/1',
    range: [1, 2],
    seq: 5,
    held: 4,
    selection: { all: true },
    ackWanted: true,
  },
  { type: 'ack', origin: 'a/1', acks: new Map([['b/1', 4]]) },
  { type: 'bye', origin: 'a/1', seq: 5 },
];

describe('the codec', () => {
  it('reads what it has written, and writes printable ASCII on one line', () => {
    fc.assert(
      fc.property(message, (original) => {
        const frame = encode('shop', original);
        expect(frame).to.match(/^[\x20-\x7e]*$/);
        deepStrictEqual(decode(frame, 'shop', Number.POSITIVE_INFINITY), {
          type: 'message',
          message: original,
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          oddText,
          fc.json(),
          fc.json().map((json) => `{"v":1,"ns":"shop","o":"a/1","t":"inv","s":${json}}`),
        ),
        (frame) => {
          const { type } = decode(frame, 'shop', LIMIT);
          expect(type).to.be.oneOf(['message', 'refused', 'other-cluster', 'newer']);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('never throws for a frame that was cut, or in which one character has changed', () => {
    fc.assert(
      fc.property(
        message,
        fc.nat(),
        fc.string({ unit: 'binary', maxLength: 2 }),
        (original, at, text) => {
          const frame = encode('shop', original);
          const place = at % (frame.length + 1);
          decode(frame.slice(0, place), 'shop', LIMIT);
          decode(frame.slice(0, place) + text + frame.slice(place + 1), 'shop', LIMIT);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  for (const sample of SAMPLES) {
    it(`refuses a ${sample.type} with a field of another kind, and reads it with any field that it does not know`, () => {
      const wire: Record<string, unknown> = JSON.parse(encode('shop', sample));
      for (const field of Object.keys(wire)) {
        for (const value of wrong) {
          const result = decode(JSON.stringify({ ...wire, [field]: value }), 'shop', LIMIT);
          if (result.type !== 'message') continue;
          // What is read all the same must be something that the field may be: written again it is what was read.
          if (result.message.type === 'unknown') continue;
          const again = decode(encode('shop', result.message), 'shop', LIMIT);
          deepStrictEqual(again, result, `${field}: ${JSON.stringify(value)}`);
        }
      }
      const known = decode(JSON.stringify(wire), 'shop', LIMIT);
      expect(decode(JSON.stringify({ ...wire, zz: { deep: [1] } }), 'shop', LIMIT)).to.deep.equal(
        known,
      );
    });
  }

  for (const [what, frame, expected] of [
    ['no JSON', '{"v":1', { type: 'refused', reason: 'not-json' }],
    ['an array', '[]', { type: 'refused', reason: 'not-a-message' }],
    ['null', 'null', { type: 'refused', reason: 'not-a-message' }],
    ['a number', '7', { type: 'refused', reason: 'not-a-message' }],
    [
      'no version',
      '{"ns":"shop","t":"bye","o":"a/1","s":1}',
      { type: 'refused', reason: 'not-a-message' },
    ],
    [
      'version 0',
      '{"v":0,"ns":"shop","t":"bye","o":"a/1","s":1}',
      { type: 'refused', reason: 'not-a-message' },
    ],
    [
      'an origin without an epoch',
      '{"v":1,"ns":"shop","t":"bye","o":"a","s":1}',
      { type: 'refused', reason: 'not-a-message' },
    ],
    [
      'a type that is no text',
      '{"v":1,"ns":"shop","t":1,"o":"a/1"}',
      { type: 'refused', reason: 'not-a-message' },
    ],
    [
      'another cluster',
      '{"v":1,"ns":"other","t":"bye","o":"a/1","s":1}',
      { type: 'other-cluster' },
    ],
    [
      'a later version',
      '{"v":2,"ns":"shop","t":"bye","o":"a/1","s":{}}',
      { type: 'newer', origin: 'a/1' },
    ],
    [
      'an unknown type',
      '{"v":1,"ns":"shop","t":"zzz","o":"a/1"}',
      { type: 'message', message: { type: 'unknown', origin: 'a/1' } },
    ],
    [
      'number 0',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":0,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      'a negative number',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":-3,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      'a fractional number',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":1.5,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      '2^53',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":9007199254740992,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      '1e999',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":1e999,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      'NaN',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":NaN,"f":1}',
      { type: 'refused', reason: 'not-json' },
    ],
    [
      'a range backwards',
      '{"v":1,"ns":"shop","t":"rep","o":"a/1","l":[5,2],"s":5,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
    [
      'a run backwards',
      '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":5,"lo":6,"f":1}',
      { type: 'refused', reason: 'malformed' },
    ],
  ] as const) {
    it(`reads ${what} as what it is`, () => {
      expect(decode(frame, 'shop', LIMIT)).to.deep.equal(expected);
    });
  }

  it('refuses a frame that is too large before it looks inside', () => {
    const frame = `{"v":1,"ns":"shop","t":"inv","o":"a/1","s":1,"k":{"r":["${'x'.repeat(LIMIT)}"]}}`;
    expect(decode(frame, 'shop', LIMIT)).to.deep.equal({ type: 'refused', reason: 'too-large' });
  });

  it('survives the deepest nesting that fits into a frame', () => {
    const depth = LIMIT / 2 - 60;
    const deep = `{"v":1,"ns":"shop","t":"inv","o":"a/1","s":1,"f":1,"z":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(decode(deep, 'shop', LIMIT).type).to.equal('message');
    expect(decode('['.repeat(LIMIT), 'shop', LIMIT)).to.deep.equal({
      type: 'refused',
      reason: 'not-json',
    });
  });

  it('takes a region called __proto__ as a region, and changes no prototype', () => {
    const frame = '{"v":1,"ns":"shop","t":"inv","o":"a/1","s":1,"k":{"__proto__":["polluted"]}}';
    const decoded = decode(frame, 'shop', LIMIT);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    if (decoded.type !== 'message' || decoded.message.type !== 'inv') throw new Error('not read');
    expect(Object.keys(decoded.message.selection.keys ?? {})).to.deep.equal(['__proto__']);
    expect(encode('shop', decoded.message)).to.equal(frame);
  });

  it('keeps of features and regions no more than anybody needs', () => {
    const features = Array.from({ length: 1_000 }, (_, index) => `f${index}`);
    const regions = Array.from({ length: 1_000 }, (_, index) => `r${index}`);
    const frame = JSON.stringify({
      v: 1,
      ns: 'shop',
      t: 'beat',
      o: 'a/1',
      s: 1,
      b: 1,
      cap: features,
      rg: regions,
      m: {},
    });
    const decoded = decode(frame, 'shop', LIMIT);
    if (decoded.type !== 'message' || decoded.message.type !== 'beat') throw new Error('not read');
    expect(decoded.message.features).to.have.lengthOf(LIMITS.features);
    expect(decoded.message.regions, 'too many regions are all regions').to.equal(undefined);
  });

  it('knows how long a text becomes in a frame', () => {
    fc.assert(
      fc.property(oddText, (text) => {
        const frame = encode('shop', {
          type: 'inv',
          origin: 'a/1',
          seq: 1,
          selection: { keys: { r: [text] } },
          ackWanted: false,
        });
        const bare = encode('shop', {
          type: 'inv',
          origin: 'a/1',
          seq: 1,
          selection: { keys: { r: [] } },
          ackWanted: false,
        });
        expect(wireLength(text)).to.equal(frame.length - bare.length);
      }),
    );
  });
});

/** Objects as decoding makes them. */
function record<T, K extends keyof T = keyof T>(
  model: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
  constraints: { requiredKeys?: K[] } = {},
): ReturnType<typeof fc.record<T, K>> {
  return fc.record<T, K>(model, { noNullPrototype: true, ...constraints });
}
