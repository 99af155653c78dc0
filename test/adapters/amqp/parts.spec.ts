import { expect } from 'chai';
import { array, assert, integer, property, string } from 'fast-check';

import { EchoWatch } from '../../../adapters/amqp/echo-watch.ts';
import { PublisherNumbers } from '../../../adapters/amqp/publisher-numbers.ts';

const A = 'a'.repeat(16);
const B = 'b'.repeat(16);

describe('the numbers of publishers', () => {
  it('show a hole where one publisher jumps, and only there', () => {
    const numbers = new PublisherNumbers();
    const seen = [`${A}-7`, `${B}-1`, `${A}-8`, `${B}-3`, `${A}-9`, `${B}-4`, `${A}-9`, `${A}-12`];
    expect(seen.map((id) => numbers.isHole(id))).to.deep.equal([
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it('prove nothing where there is none, whatever stands in its place', () => {
    const numbers = new PublisherNumbers();
    assert(
      property(string({ unit: 'binary' }), (id) => {
        expect(numbers.isHole(id)).to.equal(false);
      }),
    );
    for (const id of [`${A}-`, `${A}-1e9`, `${A}-9999999999999999`, `${A}--1`, `-1`, `${A}-1 `]) {
      expect(numbers.isHole(id), id).to.equal(false);
    }
  });

  it('own up to every hole, wherever frames were lost', () => {
    assert(
      property(array(integer({ min: 1, max: 5 }), { minLength: 1 }), (steps) => {
        const numbers = new PublisherNumbers();
        let number = 1;
        numbers.isHole(`${A}-${number}`);
        for (const step of steps) {
          number += step;
          expect(numbers.isHole(`${A}-${number}`)).to.equal(step > 1);
        }
      }),
    );
  });
});

describe('the watch for our own frames', () => {
  it('notices that a confirmed frame does not come back', async () => {
    await new Promise<void>((resolve) => {
      const watch = new EchoWatch({ timeoutMs: 20, onDeaf: resolve });
      watch.confirmed(1);
    });
  });

  it('is content when it comes back, before or after it is confirmed', async () => {
    const deaf: string[] = [];
    const before = new EchoWatch({ timeoutMs: 20, onDeaf: () => deaf.push('before') });
    const after = new EchoWatch({ timeoutMs: 20, onDeaf: () => deaf.push('after') });
    before.heard(1);
    before.confirmed(1);
    after.confirmed(1);
    after.heard(1);
    // A watch that starts later and does notice proves that the others have had their time.
    await new Promise<void>((resolve) => {
      new EchoWatch({ timeoutMs: 40, onDeaf: resolve }).confirmed(1);
    });
    expect(deaf).to.deep.equal([]);
  });

  it('waits while frames of others come: ours may be behind them', async () => {
    const deaf: string[] = [];
    const watch = new EchoWatch({ timeoutMs: 200, onDeaf: () => deaf.push('deaf') });
    watch.confirmed(1);
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      watch.heard(0);
    }
    expect(deaf).to.deep.equal([]);
    watch.stop();
  });
});
