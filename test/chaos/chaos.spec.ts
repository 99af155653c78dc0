import { expect } from 'chai';
import { seededRandom } from '../../src/cli/demo/seeded-random.ts';
import type { ArenaName } from './arena.ts';
import { judge } from './checker.ts';
import { runChaos } from './run-chaos.ts';

/** The short form for every push; `npm run chaos` is the long one. */
const SECONDS = 10;
const MAX_STALENESS_MS = 3_000;

describe('chaos', () => {
  it('the checker sees an old value, how old it is, and whether it is beyond the bound', () => {
    const commits = [
      { key: 'a', version: 1, atMs: 1_000 },
      { key: 'a', version: 2, atMs: 2_000 },
    ];
    const reads = [
      { key: 'a', version: 0, atMs: 999 },
      { key: 'a', version: 0, atMs: 1_500 },
      { key: 'a', version: 1, atMs: 5_500 },
      { key: 'a', version: 2, atMs: 9_000 },
      { key: 'a', version: 1, atMs: 9_000, final: true } as const,
    ];
    expect(judge(reads, commits, MAX_STALENESS_MS)).to.deep.equal({
      reads: 5,
      writes: 2,
      staleReads: 3,
      worstStalenessMs: 7_000,
      violations: 2,
      finalReads: 1,
      staleAfterHealing: 1,
    });
  });

  for (const broker of [
    'prosody',
    'activemq',
    'rabbitmq',
  ] as const satisfies readonly ArenaName[]) {
    it(`keeps the bound on ${broker}, whatever breaks, and agrees again afterwards`, async function () {
      this.timeout(180_000);
      this.slow(60_000);
      const seed = Math.floor(Math.random() * 2 ** 32);
      const report = await runChaos({
        broker,
        seconds: SECONDS,
        nodes: 6,
        maxStalenessMs: MAX_STALENESS_MS,
        random: seededRandom(seed, broker),
      });
      const shown = `seed ${seed}: ${JSON.stringify(report)}`;
      expect(report.violations, `reads beyond X; ${shown}`).to.equal(0);
      expect(report.staleAfterHealing, `old keys after healing; ${shown}`).to.equal(0);
      expect(report.writes, `writes; ${shown}`).to.be.above(0);
      expect(report.finalReads, `final reads; ${shown}`).to.equal(6 * 40);
    });
  }
});
