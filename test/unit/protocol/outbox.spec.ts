import { expect } from 'chai';
import fc from 'fast-check';
import { decode } from '../../../src/protocol/codec.ts';
import { LIMITS } from '../../../src/protocol/limits.ts';
import type { Invalidation } from '../../../src/protocol/message.ts';
import { Outbox, type Outgoing } from '../../../src/protocol/outbox.ts';
import {
  isEmptySelection,
  selectionSize,
  type Selection,
} from '../../../src/protocol/selection.ts';

const MAX_FRAME_BYTES = 8_192;

function outboxOf(maxFrameBytes = MAX_FRAME_BYTES, framesInFlight?: number): Outbox {
  const origin = 'web-1/k3f9x2a7abcde';
  return new Outbox({ cluster: 'shop', origin, maxFrameBytes, framesInFlight });
}

function read({ frame }: Outgoing): Invalidation {
  const decoded = decode(frame, 'shop', 65_536);
  if (decoded.type !== 'message' || decoded.message.type !== 'inv') throw new Error(frame);
  return decoded.message;
}

/** Everything that is ready now; each frame is accepted at once, so that all comes. */
function sendAll(outbox: Outbox): Invalidation[] {
  const sent: Invalidation[] = [];
  for (let out = next(outbox); out !== undefined; out = next(outbox)) {
    outbox.confirmed(out.batch);
    sent.push(read(out));
  }
  return sent;
}

function next(outbox: Outbox, slotFreed = true): Outgoing | undefined {
  return outbox.next({ slotFreed, wallMs: 0 });
}

function keysOf(count: number, prefix = 'key'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function numbersOf({ seq, low = seq }: Invalidation): number[] {
  return Array.from({ length: seq - low + 1 }, (_, index) => low + index);
}

describe('the outbox', () => {
  it('sends at once while nothing is in flight, gathers meanwhile, and sends again when a slot is freed', () => {
    const outbox = outboxOf();
    outbox.add({ keys: { things: ['a'] } });
    const first = next(outbox, false);
    outbox.add({ keys: { things: ['b'] } });
    outbox.add({ keys: { things: ['c'] } });
    expect(next(outbox, false), 'it gathers').to.equal(undefined);
    if (first === undefined) throw new Error('nothing was sent');
    outbox.confirmed(first.batch);
    const second = next(outbox, true);
    expect(second && read(second).selection).to.deep.equal({ keys: { things: ['b', 'c'] } });
  });

  it('sends a full batch although others are in flight', () => {
    const outbox = outboxOf(65_536);
    outbox.add({ keys: { things: ['first'] } });
    next(outbox);
    outbox.add({ keys: { things: keysOf(LIMITS.batchKeys) } });
    expect(next(outbox, false)).to.not.equal(undefined);
  });

  it('has at most a window of frames in flight', () => {
    const outbox = outboxOf(65_536);
    outbox.add({ keys: { things: keysOf(100 * LIMITS.batchKeys) } });
    let sent = 0;
    while (next(outbox) !== undefined) sent += 1;
    expect(sent).to.equal(LIMITS.window);
  });

  it('has as many in flight as its bus asks for', () => {
    const outbox = outboxOf(65_536, 200);
    outbox.add({ keys: { things: keysOf(300 * LIMITS.batchKeys) } });
    let sent = 0;
    while (next(outbox) !== undefined) sent += 1;
    expect(sent).to.equal(200);
  });

  it('OVL-2 splits what is more than 256 keys, or more than a frame, into consecutive numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: LIMITS.keyLength }), {
          maxLength: 40,
        }),
        fc.integer({ min: 0, max: 700 }),
        fc.constantFrom(LIMITS.minFrameBytes * 4, MAX_FRAME_BYTES, 65_536),
        (odd, plain, maxFrameBytes) => {
          const outbox = outboxOf(maxFrameBytes);
          const keys = [...new Set([...odd, ...keysOf(plain)])];
          outbox.add({ keys: { things: keys } });
          const heard = new Set<string>();
          let expected = 1;
          for (let out = next(outbox); out !== undefined; out = next(outbox)) {
            outbox.confirmed(out.batch);
            const message = read(out);
            expect(out.frame.length).to.be.at.most(maxFrameBytes);
            expect(selectionSize(message.selection)).to.be.at.most(LIMITS.batchKeys);
            expect(message.low ?? message.seq).to.equal(expected);
            expected = message.seq + 1;
            for (const key of message.selection.keys?.['things'] ?? []) heard.add(key);
          }
          expect(heard).to.deep.equal(new Set(keys));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('PUB-4 names nothing twice that waits already', () => {
    const outbox = outboxOf();
    outbox.add({ keys: { things: ['first'] } });
    const first = next(outbox);
    for (let round = 0; round < 1_000; round += 1) outbox.add({ keys: { things: ['a', 'b'] } });
    if (first !== undefined) outbox.confirmed(first.batch);
    expect(sendAll(outbox).map(({ selection }) => selection)).to.deep.equal([
      { keys: { things: ['a', 'b'] } },
    ]);
  });

  it('PUB-4 collapses more than 100,000 waiting keys of a region to the region, and leaves the others alone', () => {
    const outbox = outboxOf(65_536);
    outbox.add({ keys: { others: ['x'] } });
    outbox.add({ keys: { things: keysOf(LIMITS.pendingKeys + 1) } });
    outbox.add({ keys: { things: ['one more'] } });
    const sent = sendAll(outbox).map(({ selection }) => selection);
    expect(sent.filter((selection) => !isEmptySelection(selection))).to.deep.equal([
      { keys: { others: ['x'] }, regions: ['things'] },
    ]);
  });

  it('PUB-4 collapses more than 64 waiting regions to everything', () => {
    const outbox = outboxOf();
    for (let index = 0; index <= LIMITS.pendingRegions; index += 1) {
      outbox.add({ keys: { [`region-${index}`]: ['a'] } });
    }
    const sent = sendAll(outbox);
    expect(sent.map(({ selection }) => selection)).to.deep.equal([{ all: true }]);
  });

  it('PUB-4 collapses more than 64 waiting flushes to everything', () => {
    const outbox = outboxOf();
    for (let index = 0; index <= LIMITS.pendingRegions; index += 1)
      outbox.add({ regions: [`region-${index}`] });
    expect(sendAll(outbox).map(({ selection }) => selection)).to.deep.equal([{ all: true }]);
  });

  it('PUB-4 keeps what guarded writes leave in bounded memory, too, however long the bus is away', () => {
    const outbox = outboxOf();
    for (let index = 0; index < 50_000; index += 1) {
      const seq = outbox.reserve();
      outbox.publishReserved(seq, { keys: { things: [`key-${index}`] } }, index % 2 === 0);
    }
    expect(outbox.unsent).to.be.at.most(LIMITS.pendingBatches + 1);
    const sent = sendAll(outbox);
    expect(sent[0]?.selection).to.deep.equal({ all: true });
    expect(sent.flatMap(numbersOf)).to.deep.equal(
      Array.from({ length: 50_000 }, (_, index) => index + 1),
    );
  });

  it('PUB-4 drops nothing silently: whatever is added in whichever order is told under a number that covers it', () => {
    const region = fc.constantFrom('a', 'b');
    const key = fc.constantFrom('k1', 'k2', 'k3', 'k4');
    type Action =
      | { readonly add: Selection }
      | { readonly reserve: true }
      | { readonly release: number; readonly selection: Selection }
      | { readonly send: boolean }
      | { readonly fail: number };
    const selection: fc.Arbitrary<Selection> = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.tuple(region, key).map(([name, one]) => ({ keys: { [name]: [one] } })),
      },
      { weight: 1, arbitrary: region.map((name) => ({ regions: [name] })) },
      { weight: 1, arbitrary: fc.constant({ all: true }) },
    );
    const action: fc.Arbitrary<Action> = fc.oneof(
      { weight: 4, arbitrary: selection.map((add) => ({ add })) },
      { weight: 2, arbitrary: fc.constant({ reserve: true } as const) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.nat(5), selection)
          .map(([release, one]) => ({ release, selection: one })),
      },
      { weight: 3, arbitrary: fc.boolean().map((send) => ({ send })) },
      { weight: 1, arbitrary: fc.nat(3).map((fail) => ({ fail })) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const outbox = outboxOf();
        const reserved: number[] = [];
        const flying: Outgoing[] = [];
        const accepted: Invalidation[] = [];
        /** What must be known to whoever has heard all numbers up to `seq`. */
        const owed: { readonly seq: number; readonly selection: Selection }[] = [];
        const frames = new Map<number, string>();
        for (const one of actions) {
          if ('add' in one) {
            outbox.add(one.add);
            owed.push({ seq: outbox.seq, selection: one.add });
          } else if ('reserve' in one) reserved.push(outbox.reserve());
          else if ('release' in one) {
            const [seq] = reserved.splice(one.release % Math.max(1, reserved.length), 1);
            if (seq === undefined) continue;
            outbox.publishReserved(seq, one.selection, false);
            owed.push({ seq, selection: one.selection });
          } else if ('send' in one) {
            const out = next(outbox, one.send);
            if (out === undefined) continue;
            const { seq } = read(out);
            expect(out.frame, 'a retry has the same bytes').to.equal(frames.get(seq) ?? out.frame);
            frames.set(seq, out.frame);
            flying.push(out);
          } else {
            const [out] = flying.splice(one.fail % Math.max(1, flying.length), 1);
            if (out === undefined) continue;
            if (one.fail === 0) outbox.unconfirmed(out.batch);
            else {
              outbox.confirmed(out.batch);
              accepted.push(read(out));
            }
          }
          const lowestUnsent = Math.min(...reserved, Number.POSITIVE_INFINITY);
          if (outbox.held !== undefined) expect(outbox.held).to.be.at.most(lowestUnsent);
        }
        for (const seq of reserved) outbox.publishReserved(seq, {}, false);
        for (const out of flying) {
          outbox.confirmed(out.batch);
          accepted.push(read(out));
        }
        accepted.push(...sendAll(outbox));
        expect(outbox.held).to.equal(undefined);
        const numbers = accepted.flatMap(numbersOf).toSorted((a, b) => a - b);
        expect(numbers, 'every number once').to.deep.equal(
          Array.from({ length: outbox.seq }, (_, index) => index + 1),
        );
        for (const { seq, selection: wanted } of owed) {
          const upTo = accepted.filter((message) => (message.low ?? message.seq) <= seq);
          expect(covers(upTo, wanted), `${JSON.stringify(wanted)} up to ${seq}`).to.equal(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('PUB-2 a reserved number names itself what is named already under a higher one', () => {
    for (const selection of [{ all: true }, { regions: ['things'] }, { keys: { things: ['a'] } }]) {
      const outbox = outboxOf();
      outbox.add({ keys: { things: ['first'] } });
      next(outbox);
      const low = outbox.reserve();
      outbox.reserve();
      outbox.add({ all: true });
      outbox.publishReserved(low, selection, false);
      const sent = next(outbox);
      expect(sent && read(sent)).to.deep.include({ seq: low, selection });
    }
  });

  it('makes a caller wait for the flush that has taken its keys over, too', () => {
    const outbox = outboxOf();
    outbox.add({ keys: { things: ['first'] } });
    next(outbox);
    const low = outbox.reserve();
    outbox.reserve();
    const call = { id: 1, callers: 1, waitsFor: 0, timeoutAtMs: Number.POSITIVE_INFINITY };
    for (const batch of outbox.add({ keys: { things: ['a'] } })) batch.carry(call);
    outbox.publishReserved(low, { keys: { things: ['b'] } }, false);
    outbox.add({ regions: ['things'] });
    expect(call.waitsFor).to.equal(2);
  });

  it('gives a caller its answer only when all that carries its keys is accepted, also after a collapse', () => {
    const outbox = outboxOf();
    outbox.add({ keys: { things: ['first'] } });
    const first = next(outbox);
    const call = { id: 1, callers: 1, waitsFor: 0, timeoutAtMs: Number.POSITIVE_INFINITY };
    outbox.reserve();
    const gathering = outbox.add({ keys: { things: ['a'] } });
    for (const batch of gathering) batch.carry(call);
    outbox.publishReserved(2, { keys: { things: ['b'] } }, false);
    outbox.add({ all: true });
    if (first !== undefined) outbox.confirmed(first.batch);
    const second = next(outbox);
    expect(second && read(second)).to.deep.include({ low: 2, seq: 3, selection: { all: true } });
    expect(call.waitsFor).to.be.above(0);
    for (const one of second?.batch.deliver() ?? []) expect(one).to.equal(call);
    expect(call.waitsFor).to.equal(0);
  });
});

function covers(messages: readonly Invalidation[], wanted: Selection): boolean {
  const all = messages.map(({ selection }) => selection);
  if (all.some((selection) => selection.all === true)) return true;
  if (wanted.all === true) return false;
  const has = (region: string): boolean =>
    all.some((selection) => selection.regions?.includes(region));
  for (const region of wanted.regions ?? []) if (!has(region)) return false;
  for (const [region, keys] of Object.entries(wanted.keys ?? {})) {
    if (has(region)) continue;
    for (const key of keys) {
      if (!all.some((selection) => selection.keys?.[region]?.includes(key))) return false;
    }
  }
  return true;
}
