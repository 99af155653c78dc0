/**
 * The time in ms on a clock that all processes of the machine share: `hrtime` reads the system's monotonic
 * clock, whereas `performance.now()` counts from the start of each process, and the wall clock may be set.
 */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
