import { BusError, type BusErrorCode } from '../../src/index.ts';

/** What @xmpp/client says of a `<failure/>` or an `<error/>` of the server, as far as we look at it. */
export interface XmppCondition {
  readonly condition: string;
  readonly text: string;
}

/** The condition that an error of the client library names; `undefined` for every other error. */
export function conditionOf(error: unknown): XmppCondition | undefined {
  if (!(error instanceof Error) || !('condition' in error)) return undefined;
  const said = 'text' in error ? error.text : '';
  return {
    condition: String(error.condition),
    text: typeof said === 'string' ? excerpt(said) : '',
  };
}

/** Why the line could not be made, or broke. */
export function lineError(error: unknown, address: string): BusError {
  if (error instanceof BusError) return error;
  const code = codeOf(error);
  const cause = scrubbed(error);
  const what = code === '' ? excerpt(messageOf(error)) : code;
  // OpenSSL's own words are in the message only where Node has no code for them.
  const [meaning] = TLS_FAILURES.filter(([mark]) => mark.test(`${code} ${messageOf(error)}`));
  if (meaning === undefined) {
    return new BusError('BUS_UNREACHABLE', `no line to ${address} (${what})`, { cause });
  }
  const [, busCode, message] = meaning;
  return new BusError(busCode, `${message.replace('{address}', address)} (${what})`, { cause });
}

/** The first that fits. */
const TLS_FAILURES: readonly (readonly [mark: RegExp, code: BusErrorCode, message: string])[] = [
  [
    /unrecognized.name/i,
    'BUS_MISCONFIGURED',
    '{address} has no certificate for this name: set `domain` or `tls.servername`',
  ],
  [
    /alert/i,
    'BUS_ACCESS_DENIED',
    '{address} refuses our side of TLS: does it ask for `tls.cert` and `tls.key`?',
  ],
  [/ERR_SSL|EPROTO/, 'BUS_UNREACHABLE', '{address} does not speak TLS'],
  // Node names them after OpenSSL's X509_V_ERR codes.
  [
    /CERT_|_CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|CRL_|ALTNAME|HOSTNAME_MISMATCH/,
    'BUS_MISCONFIGURED',
    'the certificate of {address} is refused: give its authority in `tls.ca`, its name in `tls.servername` or `domain`',
  ],
];

/** Why the server did not let us in, or ended the stream. */
export function streamError(error: unknown, address: string, domain: string): BusError {
  if (error instanceof BusError) return error;
  const cause = scrubbed(error);
  const said = conditionOf(error);
  if (said === undefined) {
    const message = `${address} does not speak XMPP as we know it (${excerpt(messageOf(error))})`;
    return new BusError('BUS_UNREACHABLE', message, { cause });
  }
  const { condition, text } = said;
  const [code, what] = (error instanceof Error && error.name === 'SASLError'
    ? LOGIN_FAILURES
    : STREAM_ERRORS)[condition] ?? ['BUS_UNREACHABLE', 'the server ended the stream'];
  const details = text === '' ? condition : `${condition}: ${text}`;
  return new BusError(code, `${what.replace('{domain}', domain)} (${address} says ${details})`, {
    cause,
  });
}

export function notXmpp(address: string, heard: string): BusError {
  const message = `${address} does not speak XMPP: it says ${JSON.stringify(excerpt(heard))}`;
  return new BusError('BUS_UNREACHABLE', message);
}

type Meaning = readonly [code: BusErrorCode, message: string];

/** RFC 6120 section 6.5. */
const LOGIN_FAILURES: Readonly<Record<string, Meaning>> = {
  'not-authorized': ['BUS_ACCESS_DENIED', 'wrong `username` or `password`'],
  'credentials-expired': ['BUS_ACCESS_DENIED', 'the password has expired'],
  'account-disabled': ['BUS_ACCESS_DENIED', 'the account is disabled'],
  'invalid-authzid': ['BUS_ACCESS_DENIED', 'wrong `username`'],
  'mechanism-too-weak': ['BUS_ACCESS_DENIED', 'the server wants a stronger login'],
  'invalid-mechanism': ['BUS_ACCESS_DENIED', 'the server knows none of our ways to log in'],
  'encryption-required': [
    'BUS_MISCONFIGURED',
    'the server wants encryption: use xmpps:// or wss://, or let it offer STARTTLS',
  ],
  'temporary-auth-failure': ['BUS_UNREACHABLE', 'the server cannot check passwords now'],
};

/** RFC 6120 section 4.9.3. */
const STREAM_ERRORS: Readonly<Record<string, Meaning>> = {
  conflict: ['BUS_EVICTED', 'another session took our place'],
  'host-unknown': ['BUS_MISCONFIGURED', 'the server does not serve {domain}: set `domain`'],
  'host-gone': ['BUS_MISCONFIGURED', 'the server no longer serves {domain}: set `domain`'],
  'improper-addressing': ['BUS_MISCONFIGURED', 'the server does not serve {domain}: set `domain`'],
  'not-authorized': ['BUS_ACCESS_DENIED', 'the server does not let us in'],
  'policy-violation': ['BUS_UNREACHABLE', 'the server found us too fast or too long-winded'],
  'resource-constraint': ['BUS_UNREACHABLE', 'the server has no room for us'],
  'see-other-host': [
    'BUS_UNREACHABLE',
    'the server wants us elsewhere: change `service` if you trust it',
  ],
  'system-shutdown': ['BUS_UNREACHABLE', 'the server shuts down'],
};

/**
 * Makes an error fit to be kept: until its stack is read for the first time, V8 holds on to everything that
 * was on it, here the whole session.
 */
export function releaseStack(error: unknown): void {
  for (let one = error; one instanceof Error; one = one.cause) void one.stack;
}

const MAX_EXCERPT_CHARS = 120;

/** What a stranger sent goes into a message only in part. */
export function excerpt(text: string): string {
  return text.length > MAX_EXCERPT_CHARS ? `${text.slice(0, MAX_EXCERPT_CHARS)}…` : text;
}

/** The library's error without what hangs on it: whole elements, sockets and events. */
function scrubbed(error: unknown): Error {
  const copy = new Error(excerpt(messageOf(error)));
  if (error instanceof Error) copy.name = error.name;
  return copy;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
