import { randomBytes } from 'node:crypto';
import { xml } from '@xmpp/client';
import { BusError } from '../../src/index.ts';
import { openLine } from './line.ts';
import { NS, type Element } from './stanza.ts';
import { resolveOptions, type XmppBusOptions, type XmppSettings } from './xmpp-options.ts';
import { XmppSession } from './xmpp-session.ts';

/** What a room tells of its settings (XEP-0045 sections 6.4 and 7.2.13). */
export interface RoomFacts {
  readonly moderated: boolean;
  readonly membersOnly: boolean;
  readonly persistent: boolean;
  /** `undefined`: the room does not tell. */
  readonly maxUsers: number | undefined;
  /** Messages that it sends to somebody who joins and does not ask for less. */
  readonly historyMessages: number;
}

const DISCO_INFO = 'http://jabber.org/protocol/disco#info';
/** How long a join may take before what was heard of the history until then counts, in ms. */
const JOIN_MS = 2_000;

/**
 * Looks at a room as a guest does: asks for its settings, and joins it for a moment without saying no to its history.
 * @throws {BusError} as the bus's `open`, and {Error} of the client library if the room does not answer
 */
export async function inspectRoom(
  options: XmppBusOptions,
  signal: AbortSignal,
): Promise<RoomFacts> {
  const settings = resolveOptions(options);
  const [endpoint] = settings.endpoints;
  if (endpoint === undefined) throw new BusError('BUS_UNREACHABLE', 'there is no address to try');
  const guest = { hear: (_stanza: Element): void => undefined };
  const line = await openLine(endpoint, settings, signal);
  const session = new XmppSession(line, settings, (stanza) => {
    guest.hear(stanza);
  });
  const onAbort = (): void => {
    session.end(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await session.login(undefined);
    const query = xml('query', { xmlns: DISCO_INFO });
    const answer = await session.request(xml('iq', { type: 'get', to: settings.room }, query));
    const historyMessages = await countHistory(session, settings, guest);
    return { ...readFacts(answer), historyMessages };
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!session.ended.aborted) await session.leave();
  }
}

/** The messages between our presence and the subject: the room's history (XEP-0045 section 7.1). */
async function countHistory(
  session: XmppSession,
  settings: XmppSettings,
  guest: { hear: (stanza: Element) => void },
): Promise<number> {
  const address = `${settings.room}/doctor-${randomBytes(4).toString('hex')}`;
  let count = 0;
  await session.during<void>((resolve) => {
    const timer = setTimeout(resolve, JOIN_MS);
    guest.hear = (stanza) => {
      if (!stanza.is('message') || stanza.attrs['type'] !== 'groupchat') return;
      if (stanza.getChild('subject') !== undefined && stanza.getChild('body') === undefined) {
        clearTimeout(timer);
        resolve();
      } else if (stanza.getChild('delay', NS.delay) !== undefined) {
        count += 1;
      }
    };
    session.send(xml('presence', { to: address }, xml('x', { xmlns: NS.muc })));
  });
  session.send(xml('presence', { to: address, type: 'unavailable' }));
  return count;
}

function readFacts(answer: Element): Omit<RoomFacts, 'historyMessages'> {
  const info = answer.getChild('query', DISCO_INFO);
  const features = new Set(info?.getChildren('feature').map(({ attrs }) => String(attrs['var'])));
  const fields = info?.getChildren('x').flatMap((form) => form.getChildren('field')) ?? [];
  const limit = fields
    .filter(({ attrs }) => MAX_USERS_FIELDS.has(String(attrs['var'])))
    .map((field) => Number(field.getChildText('value')))
    .find((value) => Number.isSafeInteger(value) && value > 0);
  return {
    moderated: features.has('muc_moderated'),
    membersOnly: features.has('muc_membersonly'),
    persistent: features.has('muc_persistent'),
    maxUsers: limit,
  };
}

const MAX_USERS_FIELDS: ReadonlySet<string> = new Set([
  'muc#roominfo_maxusers',
  'muc#roomconfig_maxusers',
  '{http://prosody.im/protocol/muc}roomconfig_maxusers',
]);
