import { BusError, type BusErrorCode } from '../../src/index.ts';
import type { Endpoint } from './stomp-options.ts';

/** The broker sent an ERROR frame, which ends the connection (STOMP 1.2, "ERROR"). */
export class ErrorFrame extends Error {
  override readonly name = 'ErrorFrame';
  /** Names the frame that it refuses, where the broker says so. */
  readonly receiptId: string | undefined;

  constructor(message: string, receiptId?: string) {
    super(message);
    this.receiptId = receiptId;
  }

  /** No protocol says why in a form for programs, so the broker's words must do. */
  get isAboutRights(): boolean {
    return /password|credential|not authori[sz]ed|unauthori[sz]ed|access[ _]?refused|access denied|not allowed|security|authenticat/i.test(
      this.message,
    );
  }
}

/** When it happened: while attaching, or on a link that stood. */
export type Phase = 'attaching' | 'attached';

/** What an ERROR frame, an error of the socket or of TLS means for the bus. */
export function stompError(error: unknown, endpoint: Endpoint, phase: Phase): BusError {
  if (error instanceof BusError) return error;
  const message = excerpt(error instanceof Error ? error.message : String(error));
  const [code, meaning] = meaningOf(error, phase);
  const cause = new Error(message);
  if (error instanceof Error) cause.name = error.name;
  const { host, port } = endpoint;
  const told = new BusError(code, `${host}:${port}: ${meaning} (${message})`, { cause });
  // Until a stack is read, V8 keeps the objects of its frames alive, and with them the connection that broke.
  for (const { stack } of [told, cause]) void stack;
  return told;
}

type Meaning = readonly [code: BusErrorCode, meaning: string];

/** Node names them after OpenSSL's X509_V_ERR codes. */
const UNTRUSTED = /CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|CRL_|CHAIN|ALTNAME|HOSTNAME_MISMATCH/;

function meaningOf(error: unknown, phase: Phase): Meaning {
  if (error instanceof ErrorFrame) {
    if (error.isAboutRights) {
      const meaning =
        'wrong `username` or `password`, or the user may not read or write the topic there';
      return ['BUS_ACCESS_DENIED', meaning];
    }
    if (phase === 'attached') return ['BUS_EVICTED', 'the broker ended the connection'];
    return ['BUS_UNREACHABLE', 'the broker did not let us in'];
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.includes('ALERT')) {
    return ['BUS_ACCESS_DENIED', `the broker refuses our side of TLS (${code}); see \`tls.cert\``];
  }
  if (UNTRUSTED.test(code)) {
    const meaning = `its certificate is refused (${code}); give its authority in \`tls.ca\`, its name in \`tls.servername\``;
    return ['BUS_MISCONFIGURED', meaning];
  }
  if (/^ERR_SSL|^EPROTO/.test(code)) return ['BUS_UNREACHABLE', 'it does not speak TLS'];
  if (phase === 'attached') return ['BUS_UNREACHABLE', 'the connection to the broker broke'];
  return ['BUS_UNREACHABLE', 'no connection to a STOMP broker'];
}

const MAX_EXCERPT_CHARS = 300;

/** What a stranger sent goes into a message only in part, and on one line. */
function excerpt(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a control character is exactly what is looked for
  const line = text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim();
  return line.length > MAX_EXCERPT_CHARS ? `${line.slice(0, MAX_EXCERPT_CHARS)}…` : line;
}
