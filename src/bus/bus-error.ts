/** What went wrong on a bus. The codes are part of the public contract: they never change within a major version. */
export type BusErrorCode =
  | 'BUS_NOT_OPEN'
  | 'BUS_ALREADY_OPENED'
  | 'BUS_UNREACHABLE'
  | 'BUS_ACCESS_DENIED'
  | 'BUS_MISCONFIGURED'
  | 'BUS_INTERRUPTED'
  | 'BUS_FRAME_TOO_LARGE'
  | 'BUS_REJECTED'
  | 'BUS_UNCONFIRMED'
  | 'BUS_OVERFLOW'
  | 'BUS_EVICTED';

/** Whether the frame may have reached the broker: `not-sent` is certain, `indeterminate` is not. */
export type BusOutcome = 'not-sent' | 'indeterminate';

const OUTCOME: Readonly<Record<BusErrorCode, BusOutcome>> = {
  BUS_NOT_OPEN: 'not-sent',
  BUS_ALREADY_OPENED: 'not-sent',
  BUS_UNREACHABLE: 'not-sent',
  BUS_ACCESS_DENIED: 'not-sent',
  BUS_MISCONFIGURED: 'not-sent',
  BUS_INTERRUPTED: 'not-sent',
  BUS_FRAME_TOO_LARGE: 'not-sent',
  BUS_REJECTED: 'not-sent',
  BUS_UNCONFIRMED: 'indeterminate',
  BUS_OVERFLOW: 'indeterminate',
  BUS_EVICTED: 'indeterminate',
};

/**
 * The one error class of every bus. `code` says what happened, `outcome` whether a frame may have been
 * sent all the same, `message` what to do, and `cause` keeps what the client library said.
 * No part of it ever holds a password or a key. See docs/errors.md.
 */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: BusErrorCode;
  readonly outcome: BusOutcome;

  constructor(code: BusErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.outcome = OUTCOME[code];
  }
}

/** `true` for the errors that another attempt cannot mend: someone must change a credential, a right or a setting. */
export function isFatal(error: BusError): boolean {
  return error.code === 'BUS_ACCESS_DENIED' || error.code === 'BUS_MISCONFIGURED';
}
