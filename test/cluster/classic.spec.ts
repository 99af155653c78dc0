import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { nowMs } from '../chaos/history.ts';
import { runOutage, type Outage } from './outage.ts';
import { Scene } from './scene.ts';
import type { Site } from './site.ts';
import { allSites } from './sites.ts';
import { together } from './together.ts';

/** A server may have to be installed first. */
const SERVER_START_MS = 180_000;
const TEST_MS = 90_000;
/** X where the bound itself is tested, in ms. */
const X_MS = 3_000;
/** What the bound allows clocks to differ in rate (docs/protocol.md, A2). */
const CLOCK_RATE_ERROR = 1e-3;
/** A line that is dead without a sign must be noticed within this, in ms. */
const NOTICED_WITHIN_MS = 12_000;
/** How late a timer of a busy machine may be, in ms. */
const TIMER_LATENESS_MS = 750;
const CUT_OFF_MS = 2_000;
const HUNDRED: readonly string[] = Array.from({ length: 100 }, (_, number) => `thing:${number}`);
/** Outages of each kind that run side by side. */
const RUNS = 3;

for (const site of allSites()) {
  describe(`the classic losses: ${site.name}`, () => {
    before(async function openSite() {
      this.timeout(SERVER_START_MS);
      await site.open();
    });
    after(async function closeSite() {
      this.timeout(TEST_MS);
      await site.close();
    });

    together(TEST_MS, {
      'a node that was cut off for 2 s serves none of 100 changed keys, by repair and without a flush':
        () => isRepairedAfterCut(site),
      'a line that is swallowed is noticed, attached again, and nothing beyond X was served': () =>
        noticesSwallowedLine(site),
      'invalidations while the bus is down for 2 s settle at once, and none of them is lost': () =>
        losesNothing(site, { how: 'down', lastsMs: 2_000 }),
      'invalidations while the bus is hung all settle, and none of them is lost': () =>
        losesNothing(site, { how: 'hung', lastsMs: 3_000 }),
      'a barrier ends by lease, names whoever is cut off, and then nobody serves the old value':
        () => endsByLease(site),
      'nodes that join before there is a broker work at once, and are coherent once it is there':
        () => joinsWithoutBroker(site),
    });
  });
}

async function isRepairedAfterCut(site: Site): Promise<void> {
  await using scene = new Scene(site, { maxStalenessMs: 30_000 });
  const [a, b] = await scene.joined('a', 'b');
  await b.caches([...HUNDRED, 'unrelated']);
  const heard = b.continuity.length;
  b.line.sever();
  const outage = pause(CUT_OFF_MS);
  await b.hears('interrupted', heard);
  await b.line.forget?.();
  for (const key of HUNDRED) expect((await a.changes(key)).by).to.equal('bus');
  await outage;
  expect(b.old(HUNDRED), 'old values that wait for repair').to.have.lengthOf(100);

  b.line.heal();
  await b.until('serves none of the old values', () => b.old(HUNDRED).length === 0);
  for (const key of HUNDRED) expect(await b.cache.get(key), key).to.equal(1);
  expect(b.cache.peek('unrelated'), 'a key that nobody changed').to.equal(0);
  const { counters } = b.cluster.status();
  expect(counters.fenced, 'fenced').to.equal(0);
  // A server that is not ours to command delivers what it has kept, and there is nothing to repair.
  if (b.line.forget !== undefined) expect(counters.repaired, 'repaired').to.be.above(0);
}

async function noticesSwallowedLine(site: Site): Promise<void> {
  await using scene = new Scene(site, { maxStalenessMs: X_MS, strict: true });
  const [a, b] = await scene.joined('a', 'b');
  await b.caches(HUNDRED);
  const stopReading = b.readsAlong(HUNDRED);
  const heard = b.continuity.length;
  b.line.swallow();
  const bound = pause(1.5 * X_MS);
  for (const result of await Promise.all(HUNDRED.map((key) => a.changes(key)))) {
    expect(result.by).to.equal('bus');
  }
  await b.hears('interrupted', heard, NOTICED_WITHIN_MS);
  await bound;
  b.line.heal();
  await b.hears('resumed', heard);
  await b.until('serves none of the old values', () => b.old(HUNDRED).length === 0);
  // It hears again: a second change reaches it by the new attachment.
  const { by } = await a.changes(HUNDRED[0] ?? '', { ack: 'all' });
  await stopReading();
  expect(by).to.be.oneOf(['acks', 'lease']);
  expect(b.old(HUNDRED)).to.deep.equal([]);
  const verdict = scene.truth.judge(X_MS);
  expect(verdict.violations, `reads beyond X; ${JSON.stringify(verdict)}`).to.equal(0);
  expect(verdict.staleReads, 'reads within X that show that the line was dead').to.be.above(0);
}

async function losesNothing(site: Site, outage: Outage): Promise<void> {
  const runs = Array.from({ length: RUNS }, () => runOutage(site, outage));
  for (const report of await Promise.all(runs)) {
    const shown = JSON.stringify(report);
    expect(report.stale, `stale keys; ${shown}`).to.equal(0);
    expect(report.servedHere, `keys served old by the node itself; ${shown}`).to.equal(0);
    expect(report.unsent, `batches that were never sent; ${shown}`).to.equal(0);
    expect(report.waited, `calls that waited for the bus; ${shown}`).to.equal(0);
    expect(report.settledBy, shown).to.have.any.keys('local', 'bus');
    expect(report.settledBy, shown).to.not.have.any.keys('timeout', 'lease', 'acks');
    if (outage.how === 'down') expect(report.settledBy['local'], shown).to.be.at.least(18);
  }
}

async function endsByLease(site: Site): Promise<void> {
  await using scene = new Scene(site, { maxStalenessMs: X_MS, strict: true });
  const [a, cut, deaf, well] = await scene.joined('a', 'cut', 'deaf', 'well');
  const others = [cut, deaf, well];
  for (const { line, fault } of [
    { line: cut.line, fault: 'sever' } as const,
    { line: deaf.line, fault: 'swallow' } as const,
  ]) {
    line[fault]();
  }
  for (const station of others) await station.caches(['thing']);
  const begun = nowMs();
  const calling = a.changes('thing', { ack: 'all' });
  const old = others.filter((station) => station.old(['thing']).length > 0);
  const result = await calling;
  const stillOld = others.filter((station) => station.old(['thing']).length > 0);
  const elapsedMs = nowMs() - begun;

  expect(old.map(({ label }) => label)).to.include.members(['cut', 'deaf']);
  expect(stillOld.map(({ label }) => label)).to.deep.equal([]);
  expect(result.by).to.equal('lease');
  expect(result.acked).to.deep.equal([well.cluster.origin]);
  expect([...result.missing].toSorted()).to.deep.equal([cut, deaf].map(origin).toSorted());
  expect(elapsedMs).to.be.below(X_MS * (1 + 2 * CLOCK_RATE_ERROR) + TIMER_LATENESS_MS);
}

async function joinsWithoutBroker(site: Site): Promise<void> {
  await using scene = new Scene(site, { maxStalenessMs: 30_000 });
  const lines = [await scene.line('a'), await scene.line('b')] as const;
  for (const line of lines) line.sever();
  const joining = Promise.all([
    scene.joinsLate('a', lines[0], 2),
    scene.joinsLate('b', lines[1], 2),
  ]);
  const joined = await Promise.race([joining, nextTurn(undefined)]);
  if (joined === undefined) throw new Error('joinCluster waited for the broker');
  const [a, b] = joined;
  expect(b.cluster.status().bus).to.equal('away');
  expect(await b.cache.get('thing')).to.equal(0);
  expect((await a.changes('thing')).by).to.equal('local');
  expect(b.old(['thing']), 'what B has not heard yet').to.deep.equal(['thing']);

  for (const line of lines) line.heal();
  await scene.ready();
  await b.until('serves no old value', () => b.old(['thing']).length === 0);
  expect(await b.cache.get('thing')).to.equal(1);
  expect((await a.changes('thing', { ack: 'all' })).by).to.equal('acks');
  expect(await b.cache.get('thing')).to.equal(2);
}

function origin(station: { readonly cluster: { readonly origin: string } }): string {
  return station.cluster.origin;
}
