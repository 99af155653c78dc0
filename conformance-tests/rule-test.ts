import type { BusFixture } from './fixture.ts';
import type { RuleId } from './rule-book.ts';
import type { Stage } from './stage.ts';

/** One test of one rule. */
export interface RuleTest {
  readonly rule: RuleId;
  /** What this test shows, where a rule has several. */
  readonly aspect?: string;
  /** Why this fixture cannot exercise it; `undefined` if it can. */
  readonly obstacle?: (fixture: BusFixture) => string | undefined;
  /** How many times the patience of the fixture the whole test may take. Default 4. */
  readonly patience?: number;
  readonly run: (stage: Stage) => Promise<void>;
}

export function needsFaults(fixture: BusFixture): string | undefined {
  if (fixture.broker !== undefined || fixture.faults !== undefined) return undefined;
  return 'the fixture has neither `broker` nor `faults`';
}

export function needsSwallow(fixture: BusFixture): string | undefined {
  if (fixture.broker !== undefined || fixture.faults?.swallow !== undefined) return undefined;
  return 'the fixture has no `faults.swallow`';
}

export function canSwallow(fixture: BusFixture): boolean {
  return needsSwallow(fixture) === undefined;
}
