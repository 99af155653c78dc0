import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second, on every platform that Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** Processor time that a process group has used, in seconds (proc(5): `utime`, `stime`). `undefined` where there is no /proc. */
export function processorSeconds(group: number): number | undefined {
  let seconds: number | undefined;
  for (const entry of entriesOf('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(entry);
    if (Number(fields[PGRP]) === group) seconds = (seconds ?? 0) + secondsIn(fields);
  }
  return seconds;
}

/** The same for one process alone. */
export function processorSecondsOf(pid: number): number | undefined {
  const fields = statOf(String(pid));
  return fields.length === 0 ? undefined : secondsIn(fields);
}

function secondsIn(fields: readonly string[]): number {
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}

/** Places in what follows the name of the command, which may itself hold spaces. */
const PGRP = 2;
const UTIME = 11;
const STIME = 12;

function statOf(pid: string): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has just ended.
    return [];
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
