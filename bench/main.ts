/** Runs the bench that is named: `npm run bench -- hit [--json] [--only PART]... [--rounds N] [--keys N] [--profile FOLDER]`. */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BenchOptions } from './bench-options.ts';
import { asText, machine, type BenchReport } from './report.ts';

/** What is no bench in this folder. */
const OTHERS = ['bench-options', 'main', 'measure', 'report'];

const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => /\.[jt]s$/.test(file))
  .map((file) => file.replace(/\.[jt]s$/, ''))
  .filter((name) => !OTHERS.includes(name));

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    keys: { type: 'string' },
    profile: { type: 'string' },
  },
  allowPositionals: true,
});
const [name = ''] = positionals;
if (!names.includes(name)) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--json] [--only PART] [--rounds N] [--keys N] [--profile FOLDER], where NAME is ${names.join(', ')}\n`,
  );
  process.exit(2);
}
// What this folder holds is known, and each bench exports `run`.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const bench = (await import(`./${name}.ts`)) as {
  run: (options: BenchOptions) => Promise<BenchReport>;
};
const { json, only, rounds, keys, profile } = values;
const report = await bench.run({
  ...(only === undefined ? {} : { only: only.flatMap((part) => part.split(',')) }),
  ...(rounds === undefined ? {} : { rounds: Number(rounds) }),
  ...(keys === undefined ? {} : { keys: Number(keys) }),
  ...(profile === undefined ? {} : { profileIn: profile }),
  onProgress: (line) => {
    process.stderr.write(`${line}\n`);
  },
});
process.stdout.write(
  json
    ? `${JSON.stringify({ bench: name, machine: machine(), ...report }, null, 2)}\n`
    : `${asText(report)}\n`,
);
