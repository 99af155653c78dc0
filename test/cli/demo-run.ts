import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { CommandRun } from './command-run.ts';

/** A process of the demo, as the demo announces it. */
export interface Announced {
  readonly name: string;
  readonly base: string;
  readonly pid: number;
}

export type Mode = 'none' | 'ttl' | 'unstale';

/** How each mode is announced. */
const HEADINGS: Readonly<Record<Mode, RegExp>> = {
  none: /^no cache:$/m,
  ttl: /^TTL .* s:$/m,
  unstale: /^unstale:$/m,
};

/** `unstale demo` as a process. */
export class DemoRun extends CommandRun {
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    super(['demo', ...args], env);
  }

  /** The origin and the servers of `mode`, as soon as all of them are up. */
  async processes(mode: Mode, servers: number): Promise<readonly Announced[]> {
    return await this.until(({ stderr }) => {
      const heading = HEADINGS[mode].exec(stderr);
      if (heading === null) return undefined;
      const found = [
        ...stderr.slice(heading.index).matchAll(/^ {2}(\S+) (http:\S+) \(process (\d+)\)$/gm),
      ].map(([, name = '', base = '', pid]) => ({ name, base, pid: Number(pid) }));
      return found.length > servers ? found.slice(0, servers + 1) : undefined;
    });
  }

  /** All processes that it ever announced. */
  get announced(): readonly number[] {
    return [...this.stderr.matchAll(/\(process (\d+)\)/g)].map(([, pid]) => Number(pid));
  }
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie still takes signals; what counts is whether something runs.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The children of a process, announced or not. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

/** Which of `pids` listens on a Unix-domain socket: the hub of an ipc bus. */
export function hubAmong(pids: readonly number[]): number | undefined {
  const inodes = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    // Flag 00010000 is __SO_ACCEPTCON: it listens.
    .filter(([, , , flags]) => flags === '00010000')
    .map(([, , , , , , inode = '']) => `socket:[${inode}]`);
  return pids.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    }),
  );
}

/** Waits until none of `pids` runs any more; those that still do after `patienceMs`. */
export async function survivors(
  pids: readonly number[],
  patienceMs: number,
): Promise<readonly number[]> {
  const endMs = performance.now() + patienceMs;
  while (pids.some(isAlive) && performance.now() < endMs) await wait(20);
  return pids.filter(isAlive);
}
