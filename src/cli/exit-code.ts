/** How the command ends; listed in its help. */
export const EXIT: Readonly<Record<'ok' | 'failure' | 'usage', number>> = {
  ok: 0,
  failure: 1,
  usage: 2,
};

/** A process that a signal ended has, for the shell, this exit code: 128 and the signal's number. */
export function exitCodeOfSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): number {
  return 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
}
