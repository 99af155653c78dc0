import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** Runs every test, in a few mocha processes side by side: most of the time is spent waiting for servers. */
const root = fileURLToPath(new URL('..', import.meta.url));
const mocha = join(root, 'node_modules/mocha/bin/mocha.js');

/** Specs that start processes of their own and wait for them. */
const PROCESSES = ['cache', 'chaos', 'cli', 'cluster', 'config', 'foreign', 'inversify', 'readme'];

/** A group that has not ended by then hangs: it is ended, and has failed. */
const GROUP_WITHIN_MS = 20 * 60_000;

interface Group {
  readonly name: string;
  readonly args: readonly string[];
}

function groups(): readonly Group[] {
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'support')
    .map(({ name }) => name);
  const processes = folders.filter((name) => PROCESSES.includes(name));
  const rest = folders.filter((name) => !PROCESSES.includes(name));
  return [
    { name: 'conformance', args: ['--config', 'conformance-tests/.mocharc.json'] },
    { name: 'processes', args: ['--config', 'test/.mocharc.json', ...specs(processes)] },
    { name: 'parts', args: ['--config', 'test/.mocharc.json', 'test/*.spec.ts', ...specs(rest)] },
  ];
}

function specs(names: readonly string[]): string[] {
  return names.map((name) => `test/${name}/**/*.spec.ts`);
}

interface Outcome {
  readonly name: string;
  readonly code: number;
  /** What mocha says of each test that failed; empty where none did, or where it did not get that far. */
  readonly failures: string;
}

/** Runs one group. The output of all but the first is printed in one piece, at its end. */
function run({ name, args }: Group, live: boolean, children: Set<ChildProcess>): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [mocha, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    const timer = setTimeout(() => {
      process.stdout.write(`== ${name} has not ended within ${GROUP_WITHIN_MS / 60_000} minutes\n`);
      child.kill('SIGKILL');
    }, GROUP_WITHIN_MS);
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output.push(chunk);
        if (live) process.stdout.write(chunk);
      });
    }
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      const text = Buffer.concat(output).toString();
      if (!live) process.stdout.write(`\n== ${name}\n${text}`);
      if (signal !== null) process.stdout.write(`== ${name} was ended by ${signal}\n`);
      resolve({ name, code: code ?? 1, failures: failuresIn(text) });
    });
  });
}

/** What mocha prints below its line `N failing`. */
function failuresIn(text: string): string {
  return /^ *\d+ failing\n([^]*)/m.exec(stripVTControlCharacters(text))?.[1] ?? '';
}

const children = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    // Each mocha stops the servers that it has started.
    for (const child of children) child.kill(signal);
  });
}

const args = process.argv.slice(2);
const outcomes =
  args.length > 0
    ? [
        await run(
          { name: 'chosen', args: ['--config', 'test/.mocharc.json', ...args] },
          true,
          children,
        ),
      ]
    : await Promise.all(groups().map((group, index) => run(group, index === 0, children)));
const failed = outcomes.filter(({ code }) => code !== 0);
// Once more and last, for whoever sees no more than the end of a long output.
for (const { name, failures } of failed) process.stdout.write(`\n== FAILED: ${name}\n${failures}`);
process.exitCode = failed.length === 0 ? 0 : 1;
