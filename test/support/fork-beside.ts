import { type ChildProcess, fork } from 'node:child_process';

/** Runs the module `name` that lies beside the module at `url` in a process of its own, compiled or not. */
export function forkBeside(url: string, name: string): ChildProcess {
  const isSource = url.endsWith('.ts');
  const main = new URL(`${name}${isSource ? '.ts' : '.js'}`, url);
  return fork(main, { execArgv: isSource ? ['--import', 'tsx'] : [] });
}
