import { expect } from 'chai';
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';

import { LineSplitter } from '../../../adapters/ipc/line-splitter.ts';
import {
  decodeRecord,
  encodeRecord,
  type IpcRecord,
  MAX_FRAME_BYTES,
  MAX_LINE_BYTES,
  MAX_TEXT_LENGTH,
} from '../../../adapters/ipc/record.ts';

const frames = string({ unit: 'grapheme-ascii', maxLength: 200 });
const texts = string({ unit: 'binary', maxLength: 200 });

const records = oneof(
  record({
    type: constant('hello' as const),
    version: integer(),
    heartbeatMs: integer({ min: 20, max: 600_000 }),
  }),
  record({ type: constantFrom('welcome' as const, 'beat' as const) }),
  record({ type: constantFrom('frame' as const, 'own' as const), frame: frames }),
  record({ type: constant('foreign' as const), message: record({ text: texts, id: texts }) }),
  record({ type: constant('refusal' as const), reason: texts, permanent: boolean() }),
);

describe('the records of the ipc bus', () => {
  it('read as they were written, whatever they carry, each on one line', () => {
    assert(
      property(records, (written: IpcRecord) => {
        const line = encodeRecord(written);
        expect(line.indexOf('\n')).to.equal(line.length - 1);
        expect(decodeRecord(line.slice(0, -1))).to.deep.equal(written);
      }),
    );
  });

  it('survive the way through UTF-8, cut anywhere', () => {
    assert(
      property(array(records, { maxLength: 20 }), integer({ min: 1, max: 50 }), (written, size) => {
        const bytes = Buffer.from(written.map((one) => encodeRecord(one)).join(''));
        const splitter = new LineSplitter(MAX_LINE_BYTES);
        const lines: string[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          lines.push(...splitter.push(bytes.subarray(at, at + size)));
        }
        expect(lines.map((line) => decodeRecord(line))).to.deep.equal(written);
        expect(splitter.rest()).to.equal(undefined);
      }),
    );
  });

  it('never throw when read, whatever the bytes are', () => {
    assert(
      property(
        uint8Array({ maxLength: 300 }),
        constantFrom('', '\u0001', '\u0001M', '\u0001H'),
        (bytes, start) => {
          const line = start + Buffer.from(bytes).toString();
          const { type } = decodeRecord(line);
          expect(type === 'unreadable' || type === 'foreign' || line.startsWith('\u0001')).to.equal(
            true,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  for (const [what, line] of [
    ['an unknown kind', '\u0001X'],
    ['no kind', '\u0001'],
    ['a frame with a control character', '\u0001Fa\u0000b'],
    ['a frame that is not ASCII', '\u0001Fé'],
    ['a frame that is too long', `\u0001F${'x'.repeat(MAX_FRAME_BYTES + 1)}`],
    ['a hello that is no JSON', '\u0001H{'],
    ['a hello without a heartbeat', '\u0001H{"v":1}'],
    ['a hello with a heartbeat of 0', '\u0001H{"v":1,"heartbeatMs":0}'],
    ['a hello that is null', '\u0001Hnull'],
    ['a deeply nested message', `\u0001M${'['.repeat(50_000)}`],
    ['a message without a text', '\u0001M{"id":"1"}'],
    ['a message whose text is a number', '\u0001M{"text":1}'],
    [
      'a message that is too long',
      `\u0001M${JSON.stringify({ text: 'x'.repeat(MAX_TEXT_LENGTH + 1) })}`,
    ],
    ['a line that is too long', 'x'.repeat(MAX_TEXT_LENGTH + 1)],
    ['a beat with cargo', '\u0001Bx'],
    ['a welcome with cargo', '\u0001Wx'],
    ['a refusal without a reason', '\u0001R{}'],
  ] as const) {
    it(`are refused with a reason: ${what}`, () => {
      const decoded = decodeRecord(line);
      expect(decoded.type).to.equal('unreadable');
    });
  }

  it('may have the longest text there is', () => {
    const message = { text: '\u0000'.repeat(MAX_TEXT_LENGTH), id: '' };
    const line = encodeRecord({ type: 'foreign', message });
    expect(line.length).to.be.lessThan(MAX_LINE_BYTES);
    expect(decodeRecord(line.slice(0, -1))).to.deep.equal({ type: 'foreign', message });
  });

  it('take a line without a mark as what a person has written', () => {
    for (const [line, text] of [
      ['article:42', 'article:42'],
      ['article:42\r', 'article:42'],
      ['{"v":1}', '{"v":1}'],
      ['Fhello', 'Fhello'],
      ['', ''],
    ]) {
      expect(decodeRecord(line ?? '')).to.deep.equal({
        type: 'foreign',
        message: { text, id: '' },
      });
    }
  });
});

describe('the line splitter', () => {
  it('holds no more than one line of the allowed length', () => {
    const splitter = new LineSplitter(10);
    expect(splitter.push(Buffer.from('0123456789\n01234'))).to.deep.equal(['0123456789']);
    expect(splitter.push(Buffer.from('56789'))).to.deep.equal([]);
    expect(splitter.overflowed).to.equal(false);
    expect(splitter.push(Buffer.from('x\nnext\n'))).to.deep.equal([]);
    expect(splitter.overflowed).to.equal(true);
    expect(splitter.push(Buffer.from('more\n'))).to.deep.equal([]);
    expect(splitter.rest()).to.equal(undefined);
  });

  it('cuts the lines before the one that is too long', () => {
    const splitter = new LineSplitter(3);
    expect(splitter.push(Buffer.from('a\nb\nlong\nc\n'))).to.deep.equal(['a', 'b']);
    expect(splitter.overflowed).to.equal(true);
  });

  it('gives what is left when the stream ends', () => {
    const splitter = new LineSplitter(10);
    splitter.push(Buffer.from('a\nb'));
    expect(splitter.rest()).to.equal('b');
    expect(splitter.rest()).to.equal(undefined);
  });
});
