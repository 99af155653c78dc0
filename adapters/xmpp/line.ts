import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { BusError } from '../../src/index.ts';
import { offerOf, startTls } from './starttls.ts';
import type { TlsSettings } from './tls-options.ts';
import { lineError } from './xmpp-errors.ts';
import type { Endpoint, XmppSettings } from './xmpp-options.ts';

/** A connection to a server, encrypted if it is going to be, on which nobody has logged in yet. */
export interface Line {
  readonly stream: Duplex;
  readonly secure: boolean;
  /** We have sent the header of the stream already; the answer is still to be read. */
  readonly greeted: boolean;
  /** `host:port`, for messages. */
  readonly address: string;
  readonly endpoint: Endpoint;
}

type LineSettings = Pick<XmppSettings, 'domain' | 'tls'>;

/** Connects. Rejects with a `BusError`, or with the signal's reason; then nothing is left open. */
export async function openLine(
  endpoint: Endpoint,
  settings: LineSettings,
  signal: AbortSignal,
): Promise<Line> {
  const address = `${endpoint.host}:${endpoint.port}`;
  const opened: Duplex[] = [];
  try {
    signal.throwIfAborted();
    const isWeb = endpoint.protocol === 'ws:' || endpoint.protocol === 'wss:';
    const line = await (isWeb ? openWebSocket : openSocket)(endpoint, settings, signal, opened);
    return { ...line, address, endpoint };
  } catch (error) {
    for (const stream of opened) stream.destroy();
    throw signal.aborted ? signal.reason : lineError(error, address);
  }
}

type Opened = Pick<Line, 'stream' | 'secure' | 'greeted'>;

async function openSocket(
  endpoint: Endpoint,
  { domain, tls }: LineSettings,
  signal: AbortSignal,
  opened: Duplex[],
): Promise<Opened> {
  const { host, port, protocol } = endpoint;
  // Without TCP_NODELAY, a stanza waits for the acknowledgement of the one before it: 27 ms instead of 1.
  const socket = connect({ host, port, noDelay: true });
  opened.push(socket);
  // Until the line is in use, `once` hears the errors; one that comes in between must not end the process.
  socket.on('error', () => undefined);
  await once(socket, 'connect', { signal });
  if (protocol === 'xmpps:') return encrypted(socket, domain, tls, signal, opened);
  const offer = await offerOf(socket, domain, signal);
  if (offer.hasStartTls) {
    await startTls(socket, signal);
    return encrypted(socket, domain, tls, signal, opened);
  }
  if (tls.required) {
    const message = `${host}:${port} offers no STARTTLS, and \`tls\` asks for encryption: give the server a certificate, or leave \`tls\` out`;
    throw new BusError('BUS_MISCONFIGURED', message);
  }
  return { stream: socket, secure: false, greeted: true };
}

async function encrypted(
  socket: Socket,
  domain: string,
  tls: TlsSettings,
  signal: AbortSignal,
  opened: Duplex[],
): Promise<Opened> {
  const name = tls.servername ?? domain;
  const secured: TLSSocket = connectTls({
    socket,
    host: name,
    // An IP address is no server name (RFC 6066), yet the certificate is checked against it.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext: tls.context,
    rejectUnauthorized: tls.verify,
  });
  opened.push(secured);
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect', { signal });
  return { stream: secured, secure: true, greeted: false };
}

async function openWebSocket(
  endpoint: Endpoint,
  { tls }: LineSettings,
  signal: AbortSignal,
  opened: Duplex[],
): Promise<Opened> {
  const { WebSocket, createWebSocketStream } = await loadWs();
  const secure = endpoint.protocol === 'wss:';
  if (tls.required && !secure) {
    throw new BusError(
      'BUS_MISCONFIGURED',
      '`tls` asks for encryption: use wss:// instead of ws://',
    );
  }
  const socket = new WebSocket(endpoint.url, ['xmpp'], {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    ...(secure
      ? {
          secureContext: tls.context,
          rejectUnauthorized: tls.verify,
          ...(tls.servername === undefined ? {} : { servername: tls.servername }),
        }
      : {}),
  });
  // Texts stay texts: as bytes they would go out as binary messages, which RFC 7395 does not allow.
  const stream = createWebSocketStream(socket, { decodeStrings: false });
  opened.push(stream);
  socket.on('error', () => undefined);
  stream.on('error', () => undefined);
  await once(socket, 'open', { signal });
  return { stream, secure, greeted: false };
}

/** No smaller than the largest stanza that we take. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

async function loadWs(): Promise<typeof import('ws')> {
  try {
    return await import('ws');
  } catch (cause) {
    const message = 'ws:// and wss:// need the package `ws`: npm install ws';
    throw new BusError('BUS_MISCONFIGURED', message, { cause });
  }
}
