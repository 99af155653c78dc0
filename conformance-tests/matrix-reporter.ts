import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import {
  renderMatrix,
  worstOf,
  type ConformanceReport,
  type TestResult,
} from './conformance-report.ts';
import { ruleBook } from './rule-book.ts';
import { PENDING_MARK, SUITE_TITLE } from './suite-titles.ts';

const REPORT_FILE = 'conformance-report.json';

interface AdapterRun {
  readonly tests: Map<string, TestResult[]>;
  readonly problems: string[];
  durationMs: number;
}

/**
 * A mocha reporter: the usual list while the tests run, then the matrix of rules and adapters, which is also
 * written to `conformance-report.json` (or `--reporter-option report=FILE`), whether the tests passed or not.
 */
class MatrixReporter {
  readonly #adapters = new Map<string, AdapterRun>();
  readonly #file: string;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    // The list and the failures are mocha's own.
    Reflect.construct(Mocha.reporters.Spec, [runner, options]);
    const file: unknown = options.reporterOptions?.['report'];
    this.#file = typeof file === 'string' ? file : REPORT_FILE;
    runner.on('pass', (test) => {
      this.#note(test, { state: 'kept' });
    });
    runner.on('pending', (test) => {
      this.#note(test, { state: 'pending' });
    });
    runner.on('fail', (test, error: unknown) => {
      this.#note(test, { state: 'broken', reason: firstLine(error) });
    });
    runner.once('end', () => {
      const report = this.#report();
      writeFileSync(this.#file, `${JSON.stringify(report, undefined, 2)}\n`);
      if (report.adapters.length > 0) {
        const titles = Object.entries(ruleBook).map(([rule, { title }]) => [rule, title] as const);
        process.stdout.write(renderMatrix(report, Object.fromEntries(titles)));
      }
    });
  }

  #note(test: Mocha.Runnable, result: Pick<TestResult, 'state' | 'reason'>): void {
    const path = test.titlePath();
    const adapter = path.find((title) => title.startsWith(SUITE_TITLE))?.slice(SUITE_TITLE.length);
    if (adapter === undefined) return;
    const run = this.#run(adapter);
    run.durationMs += test.duration ?? 0;
    const [title = '', reason] = (path.at(-1) ?? '').split(PENDING_MARK);
    const rule = /^IB-\d\d/.exec(title)?.[0];
    if (rule === undefined) {
      if (result.state === 'broken') run.problems.push(`${title}: ${result.reason ?? ''}`);
      return;
    }
    const tests = run.tests.get(rule) ?? [];
    run.tests.set(rule, tests);
    tests.push({
      title,
      ...result,
      ...(test.duration === undefined ? {} : { durationMs: test.duration }),
      ...(reason === undefined ? {} : { reason: reason.replace(/\]$/, '') }),
    });
  }

  #run(adapter: string): AdapterRun {
    const known = this.#adapters.get(adapter);
    if (known !== undefined) return known;
    const run = { tests: new Map<string, TestResult[]>(), problems: [], durationMs: 0 };
    this.#adapters.set(adapter, run);
    return run;
  }

  #report(): ConformanceReport {
    const adapters = Array.from(this.#adapters, ([name, { tests, problems, durationMs }]) => {
      const rules = Object.keys(ruleBook).map((rule) => {
        const results = tests.get(rule) ?? [];
        return [rule, { state: worstOf(results), tests: results }] as const;
      });
      const kept =
        problems.length === 0 &&
        rules.every(([, { state }]) => state === 'kept' || state === 'pending');
      return { name, kept, durationMs, rules: Object.fromEntries(rules), problems };
    });
    return {
      node: process.version,
      finishedAt: new Date().toISOString(),
      kept: adapters.length > 0 && adapters.every(({ kept }) => kept),
      adapters,
    };
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}

// oxlint-disable-next-line import/no-default-export -- mocha loads a reporter by its default export, there is no other way
export default MatrixReporter;
