import { expect } from 'chai';
import { decode } from '../../../src/protocol/codec.ts';
import { Outbox } from '../../../src/protocol/outbox.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00';
const MAX_BYTES = 8_192;

function heard(tp: unknown): unknown {
  const wire = { v: 1, ns: 'shop', t: 'inv', o: 'web/1', s: 1, k: { r: ['a'] }, tp };
  const decoded = decode(JSON.stringify(wire), 'shop', MAX_BYTES);
  if (decoded.type !== 'message') throw new Error(`it was ${decoded.type}`);
  return 'traceparent' in decoded.message ? decoded.message.traceparent : undefined;
}

function outbox(): Outbox {
  return new Outbox({ cluster: 'shop', origin: 'web/1', maxFrameBytes: MAX_BYTES });
}

describe('a trace context in a frame', () => {
  it('is heard, and anything else in its place is ignored: it is no reason to refuse an invalidation', () => {
    expect(heard(TRACE)).to.equal(TRACE);
    for (const wrong of [
      7,
      null,
      {},
      '',
      TRACE.toUpperCase(),
      `${TRACE}-more`,
      TRACE.replace('00-', '01-'),
      'x'.repeat(5_000),
    ]) {
      expect(heard(wrong)).to.equal(undefined);
    }
  });

  it('is of the first whose doing the batch is, where several became one', () => {
    const box = outbox();
    const [first] = box.add({ keys: { r: ['a'] } });
    if (first === undefined) throw new Error('there is no batch');
    first.traceparent = TRACE;
    const reserved = box.reserve();
    const [second] = box.publishReserved(reserved, { keys: { r: ['b'] } }, false);
    if (second === undefined) throw new Error('there is no batch');
    second.traceparent = OTHER;
    const frame = box.next({ slotFreed: false, wallMs: 0 })?.frame ?? '';
    expect(JSON.parse(frame)).to.include({ s: 2, lo: 1, tp: TRACE });
  });

  it('has its place in a full frame', () => {
    const box = outbox();
    const keys = Array.from({ length: 250 }, (_, index) => `${index}-${'x'.repeat(30)}`);
    for (const batch of box.add({ keys: { r: keys } })) batch.traceparent = TRACE;
    const { frame = '' } = box.next({ slotFreed: true, wallMs: 1_785_000_000_123 }) ?? {};
    expect(JSON.parse(frame)).to.have.property('tp', TRACE);
    expect(frame.length).to.be.within(MAX_BYTES - 1_000, MAX_BYTES);
  });
});
