import { xml } from '@xmpp/client';
import { BusError } from '../../src/index.ts';
import { NS, type Element } from './stanza.ts';
import { conditionOf } from './xmpp-errors.ts';
import type { XmppSession } from './xmpp-session.ts';

/** How a room that we have created is to be. Each only where the server offers it. */
const WANTED: Readonly<Record<string, string>> = {
  // Otherwise the room forgets how it was set up whenever the last node leaves.
  'muc#roomconfig_persistentroom': '1',
  // Not for everybody to find.
  'muc#roomconfig_publicroom': '0',
  // Everybody in it may publish.
  'muc#roomconfig_moderatedroom': '0',
  // Real addresses, so that who sent a message can be told.
  'muc#roomconfig_whois': 'anyone',
  // Old invalidations are nothing to those who join.
  'muc#roomconfig_historylength': '0',
  'muc#maxhistoryfetch': '0',
};

/**
 * Configures a room that we have just created, which unlocks it for the others (XEP-0045 section 10.1). Only what
 * the server offers is submitted; what we do not name stays as the server has it.
 */
export async function unlockRoom(session: XmppSession, room: string): Promise<void> {
  try {
    const form = await session.request(ownerIq(room, 'get'));
    await session.request(ownerIq(room, 'set', submission(offeredBy(form))));
  } catch (error) {
    if (session.ended.aborted) throw error;
    await unlockAsItIs(session, room, error);
  }
}

/** An "instant room": the server's own settings. */
async function unlockAsItIs(session: XmppSession, room: string, cause: unknown): Promise<void> {
  try {
    await session.request(ownerIq(room, 'set', submission([])));
  } catch {
    if (session.ended.aborted) throw session.ended.reason;
    const condition = conditionOf(cause)?.condition ?? 'no answer';
    const message = `we have created the room ${room} and may not configure it (${condition}): create it beforehand`;
    throw new BusError('BUS_MISCONFIGURED', message, { cause });
  }
}

function offeredBy(answer: Element): readonly string[] {
  const form = answer.getChild('query', NS.mucOwner)?.getChild('x', 'jabber:x:data');
  return (form?.getChildren('field') ?? []).map(({ attrs }) => String(attrs['var']));
}

function submission(offered: readonly string[]): Element {
  const fields = Object.entries(WANTED).filter(([name]) => offered.includes(name));
  return xml(
    'x',
    { xmlns: 'jabber:x:data', type: 'submit' },
    // An empty form stands for an instant room; one with fields needs its type.
    ...(fields.length === 0
      ? []
      : [field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig')]),
    ...fields.map(([name, value]) => field(name, value)),
  );
}

function field(name: string, value: string): Element {
  return xml('field', { var: name }, xml('value', {}, value));
}

function ownerIq(room: string, type: 'get' | 'set', form?: Element): Element {
  const query = xml('query', { xmlns: NS.mucOwner }, ...(form === undefined ? [] : [form]));
  return xml('iq', { type, to: room }, query);
}
