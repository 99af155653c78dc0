import { BusError, type BusErrorCode } from '../../src/index.ts';
import type { Endpoint } from './amqp-options.ts';

/** What is known about the place where it happened. */
export interface AmqpErrorContext {
  readonly endpoint: Endpoint;
  /** The broker has let us in before. */
  readonly wasIn: boolean;
}

/** What an error of amqplib, of the socket or of TLS means for the bus. */
export function amqpError(error: unknown, context: AmqpErrorContext): BusError {
  if (error instanceof BusError) return error;
  const { host, port } = context.endpoint;
  const message = error instanceof Error ? error.message : String(error);
  const [code, meaning] = meaningOf(error, message, context);
  const cause = scrubbed(error, message);
  return new BusError(code, `${host}:${port}: ${meaning} (${excerpt(message)})`, { cause });
}

type Meaning = readonly [code: BusErrorCode, meaning: string];

/** Reply codes, AMQP 0-9-1 section 1.2 of the generated reference. */
const REPLIES: Readonly<Record<number, Meaning>> = {
  311: ['BUS_EVICTED', 'the broker found a message too large; lower maxFrameBytes'],
  320: ['BUS_UNREACHABLE', 'the broker closed the connection'],
  402: ['BUS_MISCONFIGURED', 'the broker does not know the virtual host; set `vhost`'],
  403: ['BUS_ACCESS_DENIED', 'wrong `username` or `password`, or the user lacks a right'],
  404: ['BUS_EVICTED', 'the exchange or our queue is gone'],
  405: ['BUS_MISCONFIGURED', 'the queue belongs to another connection'],
  406: [
    'BUS_MISCONFIGURED',
    'the exchange exists with another type or other properties; delete it, or set `exchange`',
  ],
  530: ['BUS_ACCESS_DENIED', 'the user has no access to the virtual host; set `vhost`, or give it'],
};

/** Node names them after OpenSSL's X509_V_ERR codes. */
const UNTRUSTED = /CERT|ISSUER|SELF_SIGNED|LEAF_SIGNATURE|CRL_|CHAIN|ALTNAME|HOSTNAME_MISMATCH/;

function meaningOf(error: unknown, message: string, { wasIn }: AmqpErrorContext): Meaning {
  const code = codeOf(error);
  if (code.includes('ALERT')) {
    return ['BUS_ACCESS_DENIED', `the broker refuses our side of TLS (${code}); see \`tls.cert\``];
  }
  if (UNTRUSTED.test(code)) {
    const meaning = `its certificate is refused (${code}); give its authority in \`tls.ca\`, its name in \`tls.servername\``;
    return ['BUS_MISCONFIGURED', meaning];
  }
  if (/^ERR_SSL|^EPROTO/.test(code)) return ['BUS_UNREACHABLE', 'it does not speak TLS'];
  // amqplib tells the reply code of a refused login in the text alone.
  const reply = Number(/^\d{3}$/.exec(code)?.[0] ?? /server: (\d{3}) /.exec(message)?.[1]);
  const known = REPLIES[reply];
  if (known !== undefined) return known;
  // And that of a refused virtual host not at all: a broker that is still starting looks the same.
  if (!wasIn && message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) {
    const meaning =
      'the broker refuses the virtual host: it does not exist, or is not for this user';
    return ['BUS_ACCESS_DENIED', meaning];
  }
  return ['BUS_UNREACHABLE', 'no connection to an AMQP broker'];
}

const MAX_EXCERPT_CHARS = 200;

/** What a stranger sent goes into a message only in part. */
function excerpt(text: string): string {
  return text.length > MAX_EXCERPT_CHARS ? `${text.slice(0, MAX_EXCERPT_CHARS)}…` : text;
}

/** The library's error without what hangs on it. */
function scrubbed(error: unknown, message: string): Error {
  const copy = new Error(excerpt(message));
  if (error instanceof Error) copy.name = error.name;
  return copy;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
