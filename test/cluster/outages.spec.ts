import { expect } from 'chai';
import { runOutage, type Outage, type OutageReport } from './outage.ts';
import { allSites } from './sites.ts';

/** The long form: how often each outage is repeated. The short form is in `classic.spec.ts`. */
const RUNS = Number(process.env['UNSTALE_CLASSIC_RUNS'] ?? 0);
/** Runs side by side, each with a cluster of its own. */
const AT_ONCE = 5;
const SERVER_START_MS = 180_000;
/** An outage, the healing, and what a busy machine adds. */
const BATCH_MS = 90_000;

const OUTAGES: Readonly<Record<string, Outage>> = {
  'down for 2 s': { how: 'down', lastsMs: 2_000 },
  'down for 13 s': { how: 'down', lastsMs: 13_000 },
  'hung for 8 s': { how: 'hung', lastsMs: 8_000 },
};

if (RUNS > 0) {
  for (const site of allSites()) {
    describe(`${RUNS} outages of each kind: ${site.name}`, () => {
      before(async function openSite() {
        this.timeout(SERVER_START_MS);
        await site.open();
      });
      after(async function closeSite() {
        this.timeout(SERVER_START_MS);
        await site.close();
      });

      for (const [name, outage] of Object.entries(OUTAGES)) {
        it(`no key stays stale when the bus is ${name}`, async function () {
          this.timeout(Math.ceil(RUNS / AT_ONCE) * BATCH_MS);
          this.slow(Infinity);
          const reports: OutageReport[] = [];
          while (reports.length < RUNS) {
            const count = Math.min(AT_ONCE, RUNS - reports.length);
            const batch = Array.from({ length: count }, () => runOutage(site, outage));
            reports.push(...(await Promise.all(batch)));
          }
          const figures = summary(reports);
          if (this.test !== undefined) this.test.title += ` (${figures})`;
          for (const { stale, servedHere, unsent, waited } of reports) {
            const none = { stale: 0, servedHere: 0, unsent: 0, waited: 0 };
            expect({ stale, servedHere, unsent, waited }, figures).to.deep.equal(none);
          }
        });
      }
    });
  }
}

function summary(reports: readonly OutageReport[]): string {
  const keys = reports.reduce((sum, report) => sum + report.keys, 0);
  const stale = reports.reduce((sum, report) => sum + report.stale, 0);
  const settledBy: Record<string, number> = {};
  for (const report of reports) {
    for (const [by, count] of Object.entries(report.settledBy)) {
      settledBy[by] = (settledBy[by] ?? 0) + count;
    }
  }
  const healedMs = Math.round(Math.max(...reports.map((report) => report.healedMs)));
  return `${stale} of ${keys} keys stale, settled by ${JSON.stringify(settledBy)}, healed in ${healedMs} ms at most`;
}
