/** How one rule fared with one adapter. `not-run`: it was to be tested and was not, which is no success. */
export type RuleState = 'kept' | 'broken' | 'pending' | 'not-run';

export interface RuleResult {
  readonly state: RuleState;
  readonly tests: readonly TestResult[];
}

export interface TestResult {
  readonly title: string;
  readonly state: RuleState;
  readonly durationMs?: number;
  /** Why it is pending, or how it failed. */
  readonly reason?: string;
}

/** What `conformance-report.json` holds. */
export interface ConformanceReport {
  readonly node: string;
  readonly finishedAt: string;
  readonly kept: boolean;
  readonly adapters: readonly AdapterReport[];
}

export interface AdapterReport {
  readonly name: string;
  readonly kept: boolean;
  readonly durationMs: number;
  readonly rules: Readonly<Record<string, RuleResult>>;
  /** What went wrong outside of a rule: the broker that did not start, say. */
  readonly problems: readonly string[];
}

const MARKS: Readonly<Record<RuleState, string>> = {
  kept: '✔',
  broken: '✖',
  pending: '–',
  'not-run': '?',
};

/** The state of a rule that has several tests: the worst of them. */
export function worstOf(tests: readonly TestResult[]): RuleState {
  const order: readonly RuleState[] = ['broken', 'not-run', 'kept', 'pending'];
  return order.find((state) => tests.some((test) => test.state === state)) ?? 'not-run';
}

/** The matrix of rules and adapters, with a legend, and every reason. */
export function renderMatrix(
  report: ConformanceReport,
  titles: Readonly<Record<string, string>>,
): string {
  const { adapters } = report;
  const columns = adapters.map((adapter, index) => ({ adapter, letter: letterOf(index) }));
  const lines = ['', `${' '.repeat(7)}${columns.map(({ letter }) => letter).join('  ')}`];
  for (const [rule, title] of Object.entries(titles)) {
    const marks = adapters.map(({ rules }) => {
      const state = rules[rule]?.state;
      return state === undefined ? ' ' : MARKS[state];
    });
    lines.push(`${rule}  ${marks.join('  ')}  ${title}`);
  }
  lines.push('', '✔ kept  ✖ broken  – pending  ? not run', '');
  for (const { adapter, letter } of columns) lines.push(`${letter}  ${summaryOf(adapter)}`);
  for (const { adapter, letter } of columns) lines.push(...detailsOf(adapter, letter));
  return `${lines.join('\n')}\n`;
}

function summaryOf({ name, rules, durationMs }: AdapterReport): string {
  const states = Object.values(rules).map(({ state }) => state);
  const counts = (['kept', 'broken', 'pending', 'not-run'] as const)
    .map((state) => ({ state, count: states.filter((one) => one === state).length }))
    .filter(({ state, count }) => count > 0 || state === 'kept')
    .map(({ state, count }) => `${count} ${state === 'not-run' ? 'not run' : state}`);
  return `${name}: ${counts.join(', ')} of ${states.length} rules, ${(durationMs / 1000).toFixed(1)} s`;
}

function detailsOf({ rules, problems }: AdapterReport, letter: string): string[] {
  const tests = Object.values(rules).flatMap((rule) => rule.tests);
  return [
    ...problems.map((problem) => `${letter}  ${problem}`),
    ...tests
      .filter(({ state }) => state === 'broken' || state === 'pending')
      .map(({ title, state, reason }) => `${letter}  ${MARKS[state]} ${title}: ${reason ?? ''}`),
  ];
}

function letterOf(index: number): string {
  return index < 26 ? String.fromCharCode(65 + index) : `${index}`;
}
