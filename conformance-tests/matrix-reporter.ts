import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import {
  renderMatrix,
  worstOf,
  type ConformanceReport,
  type TestResult,
} from './conformance-report.ts';
import { enduranceBook } from './endurance/endurance-book.ts';
import { ruleBook } from './rule-book.ts';
import { ENDURANCE_TITLE, PENDING_MARK, SUITE_TITLE } from './suite-titles.ts';

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
        process.stdout.write(renderMatrix(report, titlesOf(report)));
      }
    });
  }

  #note(test: Mocha.Runnable, result: Pick<TestResult, 'state' | 'reason'>): void {
    const path = test.titlePath();
    const adapter = path.map((part) => adapterOf(part)).find((name) => name !== undefined);
    if (adapter === undefined) return;
    const run = this.#run(adapter);
    run.durationMs += test.duration ?? 0;
    const [title = '', reason] = (path.at(-1) ?? '').split(PENDING_MARK);
    const rule = /^(?:IB|EN)-\d\d/.exec(title)?.[0];
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
      // Endurance is asked for apart: an adapter that was not asked is not judged.
      const asked = Object.keys(enduranceBook).filter((rule) => tests.has(rule));
      const rules = [...Object.keys(ruleBook), ...asked].map((rule) => {
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

function adapterOf(title: string): string | undefined {
  const prefix = [SUITE_TITLE, ENDURANCE_TITLE].find((one) => title.startsWith(one));
  return prefix === undefined ? undefined : title.slice(prefix.length);
}

function titlesOf({ adapters }: ConformanceReport): Record<string, string> {
  const titles = Object.entries({ ...ruleBook, ...enduranceBook })
    .filter(([rule]) => adapters.some(({ rules }) => rules[rule] !== undefined))
    .map(([rule, { title }]) => [rule, title] as const);
  return Object.fromEntries(titles);
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}

// oxlint-disable-next-line import/no-default-export -- mocha loads a reporter by its default export, there is no other way
export default MatrixReporter;
