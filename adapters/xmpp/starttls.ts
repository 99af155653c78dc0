import type { Socket } from 'node:net';
import { xml } from '@xmpp/client';
import { NS } from './stanza.ts';
import { lineError, notXmpp } from './xmpp-errors.ts';

/** Longer than any list of stream features. */
const MAX_OFFER_CHARS = 65_536;

/**
 * Opens a stream to see what the server offers (RFC 6120 section 5). STARTTLS is done here and not by the
 * client library, which takes no certificate authority and goes on without encryption where none is offered.
 * What was read is put back: where there is no STARTTLS, the client library goes on with this stream.
 */
export async function offerOf(
  socket: Socket,
  domain: string,
  signal: AbortSignal,
): Promise<{ readonly hasStartTls: boolean }> {
  const header = xml('stream:stream', {
    to: domain,
    version: '1.0',
    xmlns: NS.client,
    'xmlns:stream': NS.streams,
  }).toString();
  socket.write(`<?xml version='1.0'?>${header.slice(0, -2)}>`);
  const text = await readUntil(
    socket,
    /<\/(?:\w+:)?features\s*>|<(?:\w+:)?features\s*\/>|<(?:\w+:)?error\b|<\/(?:\w+:)?stream\s*>/,
    signal,
  );
  const hasStartTls = /<(?:\w+:)?starttls\b/.test(text);
  if (!hasStartTls) socket.unshift(Buffer.from(text, 'latin1'));
  return { hasStartTls };
}

export async function startTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  // Anything behind it was not encrypted and is nothing to us.
  const answer = await readUntil(socket, /<(?:\w+:)?(?:proceed|failure)\b[^>]*>/, signal);
  if (!/<(?:\w+:)?proceed\b/.test(answer)) {
    throw new Error('the server offers STARTTLS and refuses it');
  }
}

function readUntil(socket: Socket, mark: RegExp, signal: AbortSignal): Promise<string> {
  const address = `${socket.remoteAddress}:${socket.remotePort}`;
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (settle: () => void): void => {
      socket.off('data', onData).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      socket.pause();
      settle();
    };
    const onData = (chunk: Buffer): void => {
      // One character a byte: all that is looked for is ASCII, and it can be put back as it was.
      text += chunk.toString('latin1');
      if (/^\s*[^<\s]/.test(text) || text.length > MAX_OFFER_CHARS) {
        end(() => {
          reject(notXmpp(address, text));
        });
      } else if (mark.test(text)) {
        end(() => {
          resolve(text);
        });
      }
    };
    const onError = (error: Error): void => {
      end(() => {
        reject(lineError(error, address));
      });
    };
    const onClose = (): void => {
      onError(new Error('the server hung up'));
    };
    const onAbort = (): void => {
      end(() => {
        reject(signal.reason);
      });
    };
    socket.on('data', onData).on('error', onError).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    // It was paused behind the last answer.
    socket.resume();
  });
}
