/** Runs the bench that is named: `npm run bench -- hit [--json]`. */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { asText, machine, type BenchReport } from './report.ts';

/** What is no bench in this folder. */
const OTHERS = ['main', 'measure', 'report'];

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => /\.[jt]s$/.test(file))
  .map((file) => file.replace(/\.[jt]s$/, ''))
  .filter((name) => !OTHERS.includes(name));

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [name = ''] = positionals;
if (!names.includes(name)) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--json], where NAME is ${names.join(', ')}\n`,
  );
  process.exit(2);
}
// What this folder holds is known, and each bench exports `run`.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const bench = (await import(`./${name}.ts`)) as { run: () => Promise<BenchReport> };
const report = await bench.run();
process.stdout.write(
  values.json
    ? `${JSON.stringify({ bench: name, machine: machine(), ...report }, null, 2)}\n`
    : `${asText(report)}\n`,
);
