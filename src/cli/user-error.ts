import { EXIT } from './exit-code.ts';

/** Something that the person at the terminal can mend: its message is shown without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failure;
  }
}

/** What was asked for cannot be done as it was asked for: the command line must change. */
export function usageError(message: string): UserError {
  return new UserError(message, { exitCode: EXIT.usage });
}
