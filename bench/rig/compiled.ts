import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const OUT = new URL('node_modules/.cache/unstale-bench/', ROOT);

let done = false;

/**
 * The compiled form of a module of `bench/rig`, as people run it: what a loader for TypeScript adds to each function
 * (it keeps their names) would be measured, too.
 * @throws {Error} if the compiler cannot be run
 */
export function compiled(name: string): URL {
  if (!done) compile();
  done = true;
  return new URL(`bench/rig/${name}.js`, OUT);
}

function compile(): void {
  mkdirSync(OUT, { recursive: true });
  writeFileSync(new URL('package.json', OUT), '{ "type": "module" }\n');
  const project = fileURLToPath(new URL('tsconfig.json', ROOT));
  const args = ['--noEmit', 'false', '--declaration', 'false', '--outDir', fileURLToPath(OUT)];
  const tsc = fileURLToPath(new URL('node_modules/.bin/tsc', ROOT));
  // A mistake elsewhere in the tree does not stop it: what is wrong here would not run.
  const { error } = spawnSync(tsc, ['-p', project, ...args], { stdio: 'ignore' });
  if (error !== undefined) throw error;
}
