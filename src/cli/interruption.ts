import { exitCodeOfSignal } from './exit-code.ts';

/** The reason of an abort by a signal from outside, such as Ctrl-C. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`stopped by ${signal}`);
    this.exitCode = exitCodeOfSignal(signal);
  }
}

/** Aborts at the first signal; at the second one, the process ends there and then, as the kernel does it. */
export function interruptions(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      abort.abort(new Interruption(signal));
    });
  }
  return abort.signal;
}
