import { expect } from 'chai';
import { heapInUse } from '../../../conformance-tests/heap-in-use.ts';
import { Coherence } from '../../../src/protocol/coherence.ts';
import { LIMITS } from '../../../src/protocol/limits.ts';
import type { Instant } from '../../../src/protocol/instant.ts';
import { settingsOf } from '../../support/core-settings.ts';
import { Prng } from '../../simulation/prng.ts';

/** How many invalidations; `npm run soak` runs ten million. */
const INVALIDATIONS = Number(process.env['UNSTALE_SOAK'] ?? 200_000);

/** What may be left of it: the ring, the waiting names, and the tables of both nodes. */
const MAX_HEAP_GROWTH = LIMITS.ringBytes * 6;

/** A publisher and a receiver with one line between them that loses one frame in a hundred. */
class Line {
  readonly publisher: Coherence;
  readonly receiver: Coherence;
  readonly #chance = new Prng(11);
  nowMs = 0;
  applied = 0;
  flushes = 0;
  largestUnsent = 0;

  constructor() {
    this.publisher = this.#core('publisher');
    this.receiver = this.#core('receiver');
    this.run(this.publisher, { type: 'bus', event: 'opened' });
    this.run(this.receiver, { type: 'bus', event: 'opened' });
  }

  get now(): Instant {
    return { monoMs: this.nowMs, localMs: this.nowMs, wallMs: this.nowMs };
  }

  run(core: Coherence, input: Parameters<Coherence['step']>[0]): void {
    const other = core === this.publisher ? this.receiver : this.publisher;
    for (const effect of core.step(input, this.now)) {
      if (core === this.receiver) this.#count(effect);
      if (effect.type !== 'send') continue;
      this.run(core, { type: 'sent', id: effect.id, outcome: 'accepted' });
      if (this.#chance.chance(0.01)) continue;
      this.run(other, { type: 'frame', frame: effect.frame });
    }
    this.largestUnsent = Math.max(this.largestUnsent, this.publisher.publisher.unsent);
  }

  tick(elapsedMs: number): void {
    this.nowMs += elapsedMs;
    for (const core of [this.publisher, this.receiver]) {
      if (core.wakeAtMs <= this.nowMs) this.run(core, { type: 'timer' });
    }
  }

  #count(effect: ReturnType<Coherence['step']>[number]): void {
    if (effect.type === 'fence') this.flushes += 1;
    if (effect.type === 'apply') {
      this.applied += effect.selection.keys?.['things']?.length ?? 0;
      if (effect.selection.regions !== undefined || effect.selection.all === true)
        this.flushes += 1;
    }
  }

  #core(label: string): Coherence {
    const chance = new Prng(label.length);
    return new Coherence({
      settings: settingsOf({ label, expectedNodes: 2 }),
      random: () => chance.next(),
      now: this.now,
    });
  }
}

describe('a soak', () => {
  it(`of ${INVALIDATIONS} invalidations over a lossy line leaves bounded memory and nothing missing`, function () {
    this.timeout(1_800_000);
    const line = new Line();
    line.tick(1_000);
    const before = heapInUse();
    let sent = 0;
    for (let step = 0; sent < INVALIDATIONS; step += 1) {
      const keys = Array.from({ length: 1 + (step % 100) }, (_, index) => `key-${sent + index}`);
      sent += keys.length;
      line.run(line.publisher, {
        type: 'invalidate',
        call: step,
        selection: { keys: { things: keys } },
        wait: { for: 'bus' },
      });
      line.tick(step % 50 === 0 ? 1_000 : 1);
    }
    // Now and then it is away for so long that everything collapses.
    line.run(line.publisher, { type: 'bus', event: 'interrupted' });
    for (let step = 0; step < INVALIDATIONS / 1_000; step += 1) {
      const keys = Array.from({ length: 1_000 }, (_, index) => `away-${step}-${index}`);
      line.run(line.publisher, {
        type: 'invalidate',
        call: -1 - step,
        selection: { keys: { things: keys } },
        wait: { for: 'bus' },
      });
    }
    expect(line.publisher.publisher.unsent).to.be.at.most(LIMITS.pendingBatches);
    line.run(line.publisher, { type: 'bus', event: 'discontinuity' });
    for (let second = 0; second < 60; second += 1) line.tick(1_000);
    const peer = line.receiver.members.get(line.publisher.origin);
    expect(peer?.sequence.contig).to.equal(line.publisher.publisher.seq);
    expect(line.applied).to.be.at.least(0.98 * sent);
    expect(line.flushes).to.be.above(0);
    expect(heapInUse() - before).to.be.below(MAX_HEAP_GROWTH);
  });
});
