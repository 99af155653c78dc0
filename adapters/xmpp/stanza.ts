import { createHash } from 'node:crypto';
import { xml } from '@xmpp/client';
import type { ForeignMessage, Frame } from '../../src/index.ts';
import { excerpt, type XmppCondition } from './xmpp-errors.ts';

export type Element = ReturnType<typeof xml>;

export const NS = {
  client: 'jabber:client',
  streams: 'http://etherx.jabber.org/streams',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  sasl2: 'urn:xmpp:sasl:2',
  sm: 'urn:xmpp:sm:3',
  muc: 'http://jabber.org/protocol/muc',
  mucUser: 'http://jabber.org/protocol/muc#user',
  mucOwner: 'http://jabber.org/protocol/muc#owner',
  json: 'urn:xmpp:json:0',
  ping: 'urn:xmpp:ping',
  delay: 'urn:xmpp:delay',
  stanzaId: 'urn:xmpp:sid:0',
} as const;

/**
 * Asks the room to reflect what a frame looks like, before the first real one. It is JSON, so that no room
 * has a reason to treat it otherwise, and no frame (they are ASCII), so that no node takes it for one; it
 * has no body, so that no person sees it.
 */
export const PROBE = '"unstale\u00bf"';

/** The body is for people: long enough for twenty keys, and no book. */
const MAX_SUMMARY_CHARS = 2_000;

/** A frame on its way into the room: XEP-0335 JSON for nodes, a body for people where there is something to see. */
export function frameMessage(options: {
  readonly room: string;
  readonly id: string;
  readonly frame: string;
  readonly summary?: string | undefined;
}): Element {
  const { room, id, frame, summary } = options;
  return xml(
    'message',
    { to: room, type: 'groupchat', id },
    ...(summary === undefined ? [] : [xml('body', {}, forXml(summary))]),
    xml('json', { xmlns: NS.json }, frame),
  );
}

/** The text of the envelope; `undefined` where there is none. */
export function envelopeOf(message: Element): string | undefined {
  return message.getChild('json', NS.json)?.getText();
}

/** Whether a text could have been published: everything else is not ours, or was changed on its way. */
export function isFrame(text: string): text is Frame {
  return /^[\x20-\x7e]*$/.test(text);
}

/** What a person typed, or a program that does not know frames. `undefined` where there is nothing to read. */
export function foreignOf(message: Element, sender: string): ForeignMessage | undefined {
  const bodies = message.getChildren('body');
  const body = bodies.find(({ attrs }) => attrs['xml:lang'] === undefined) ?? bodies[0];
  const text = body?.getText();
  if (text === undefined || text === '') return undefined;
  const sentAt = sentAtOf(message);
  return {
    text,
    id: idOf(message, text),
    sender,
    ...(sentAt === undefined ? {} : { sentAt }),
  };
}

/** The room's own number (XEP-0359) is the same for everybody; without it, whatever the sender called it. */
function idOf(message: Element, text: string): string {
  const from = String(message.attrs['from']);
  const [room = ''] = from.split('/', 1);
  const given = message
    .getChildren('stanza-id', NS.stanzaId)
    .find(({ attrs }) => attrs['by'] === room)?.attrs['id'];
  if (typeof given === 'string' && given !== '') return given;
  const own: unknown = message.attrs['id'];
  const stamp: unknown = message.getChild('delay', NS.delay)?.attrs['stamp'];
  const source = typeof own === 'string' && own !== '' ? [from, own] : [from, stamp, text];
  return createHash('sha256').update(JSON.stringify(source)).digest('base64url').slice(0, 22);
}

/** XEP-0203. Says when a message was sent, never that it may be ignored: servers stamp live ones as well. */
function sentAtOf(message: Element): number | undefined {
  const stamps = message
    .getChildren('delay', NS.delay)
    .map(({ attrs }) => Date.parse(String(attrs['stamp'])))
    .filter((stamp) => Number.isFinite(stamp));
  return stamps.length === 0 ? undefined : Math.min(...stamps);
}

/** XML 1.0 has no place for control characters, lone surrogates and two others, not even escaped. */
function forXml(text: string): string {
  return Array.from(text.slice(0, MAX_SUMMARY_CHARS))
    .map((character) => (ALLOWED_IN_XML.test(character) ? character : '\ufffd'))
    .join('');
}

/** https://www.w3.org/TR/xml/#NT-Char */
const ALLOWED_IN_XML = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]$/u;

/** What an error stanza says (RFC 6120 section 8.3). */
export function errorOf(stanza: Element): XmppCondition {
  const error = stanza.getChild('error');
  const named = error?.getChildElements().find((child) => !child.is('text'));
  return {
    condition: named?.getName() ?? 'undefined-condition',
    text: excerpt(error?.getChildText('text') ?? ''),
  };
}
