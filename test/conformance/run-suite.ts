import Mocha from 'mocha';
import type { BusFixture } from '../../conformance-tests/index.ts';
import { describeInvalidationBus } from '../../conformance-tests/index.ts';

/** How the suite judged a bus: the title of every test, by how it ended. */
export interface Verdict {
  readonly passed: readonly string[];
  readonly pending: readonly string[];
  readonly failed: readonly { readonly title: string; readonly message: string }[];
}

/**
 * Runs the conformance suite in a mocha of its own, inside this process: exactly what a run file does,
 * with a fixture that may be bad.
 */
export async function runSuite(name: string, fixture: BusFixture): Promise<Verdict> {
  const mocha = new Mocha({ reporter: Silent, ui: 'bdd' });
  // Makes `describe` and `it` of the mocha package add to this instance; the globals stay as they are.
  mocha.suite.emit('pre-require', {}, '', mocha);
  describeInvalidationBus(name, fixture);
  const passed: string[] = [];
  const pending: string[] = [];
  const failed: { title: string; message: string }[] = [];
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => {
      resolve();
    });
    runner.on('pass', (test) => passed.push(test.title));
    runner.on('pending', (test) => pending.push(test.title));
    runner.on('fail', (test, error: unknown) => {
      failed.push({
        title: test.title,
        message: error instanceof Error ? error.message : String(error),
      });
    });
  });
  // Its listeners on the process would otherwise add up, one pair for each run.
  mocha.dispose();
  return { passed, pending, failed };
}

/** The rules that failed, each once. */
export function failedRules(verdict: Verdict): string[] {
  const rules = verdict.failed.map(({ title }) => /^IB-\d\d/.exec(title)?.[0] ?? title);
  return Array.from(new Set(rules)).toSorted();
}

/** A reporter that says nothing. */
class Silent extends Mocha.reporters.Base {}
