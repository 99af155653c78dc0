import { before, describe, it } from 'mocha';
import type { Address } from './address.ts';
import { allRules } from './all-rules.ts';
import { waitsOf, type BusFixture } from './fixture.ts';
import { ruleBook, type RuleId } from './rule-book.ts';
import type { RuleTest } from './rule-test.ts';
import { Stage } from './stage.ts';
import { PENDING_MARK, SUITE_TITLE } from './suite-titles.ts';

/** Starting a broker may mean starting a Java or Erlang machine on a busy computer. */
const BROKER_START_MS = 120_000;

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

/** Asks for the broker once, and gives every test a stage of its own. */
export class StageMaker {
  readonly #fixture: BusFixture;
  #broker: Address | undefined;

  constructor(fixture: BusFixture) {
    this.#fixture = fixture;
  }

  async ready(): Promise<void> {
    const { broker } = this.#fixture;
    this.#broker = typeof broker === 'function' ? await broker() : broker;
  }

  async run(act: (stage: Stage) => Promise<void>): Promise<void> {
    const fixture = this.#fixture;
    const stage = new Stage({ fixture, waits: waitsOf(fixture), broker: this.#broker });
    try {
      await act(stage);
    } catch (error) {
      // What the rule found matters more than what tidying up after it finds.
      await stage.close().catch(() => undefined);
      throw error;
    }
    await stage.close();
  }
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
