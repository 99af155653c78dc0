import { before, describe, it } from 'mocha';
import { allRules } from './all-rules.ts';
import { waitsOf, type BusFixture } from './fixture.ts';
import { ruleBook, type RuleId } from './rule-book.ts';
import type { RuleTest } from './rule-test.ts';
import { BROKER_START_MS, StageMaker } from './stage-maker.ts';
import { PENDING_MARK, SUITE_TITLE } from './suite-titles.ts';

/**
 * Holds a bus to the contract: one mocha suite, one test or more for every rule of docs/contract.md, each
 * title beginning with the number. A rule that the fixture cannot exercise is pending, with the reason in
 * its title; the last test counts what was exercised and names what was not.
 * @throws {TypeError} if a number of the fixture is out of range
 */
export function describeInvalidationBus(name: string, fixture: BusFixture): void {
  const waits = waitsOf(fixture);
  describe(`${SUITE_TITLE}${name}`, () => {
    const stages = new StageMaker(fixture);
    before(async function startBroker() {
      this.timeout(BROKER_START_MS);
      await stages.ready();
    });
    for (const test of allRules) {
      const reason = reasonToSkip(test, fixture);
      if (reason !== undefined) {
        it(`${titleOf(test)}${PENDING_MARK}${reason}]`);
        continue;
      }
      it(titleOf(test), async function runRule() {
        this.timeout(waits.patienceMs * (test.patience ?? 4) + waits.halfOpenWithinMs);
        await stages.run(test.run);
      });
    }
    describeSummary(fixture);
  });
}

function titleOf(test: RuleTest): string {
  const { title } = ruleBook[test.rule];
  return `${test.rule} ${title}${test.aspect === undefined ? '' : ` (${test.aspect})`}`;
}

function reasonToSkip(test: RuleTest, fixture: BusFixture): string | undefined {
  return fixture.pending?.[test.rule] ?? test.obstacle?.(fixture);
}

function describeSummary(fixture: BusFixture): void {
  const rules = Array.from(new Set(allRules.map(({ rule }) => rule)));
  const skipped = rules.flatMap((rule) => {
    const tests = allRules.filter((test) => test.rule === rule);
    const reasons = tests.map((test) => reasonToSkip(test, fixture));
    return reasons.every((reason) => reason !== undefined) ? [rule] : [];
  });
  const names = skipped.length === 0 ? 'none' : skipped.join(', ');
  it(`${rules.length - skipped.length} of ${rules.length} rules exercised; pending: ${names}`, () => {
    const problems = problemsOf(fixture);
    if (problems.length > 0) throw new Error(`fixture.pending: ${problems.join('; ')}`);
  });
}

function problemsOf(fixture: BusFixture): string[] {
  return Object.entries(fixture.pending ?? {}).flatMap(([rule, reason]) => {
    if (!isRule(rule)) return [`${rule} is no rule; docs/contract.md lists them`];
    return reason.trim() === '' ? [`${rule} is pending without a reason`] : [];
  });
}

function isRule(text: string): text is RuleId {
  return Object.hasOwn(ruleBook, text);
}
