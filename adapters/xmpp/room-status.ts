import { BusError, type BusErrorCode } from '../../src/index.ts';
import { NS, type Element } from './stanza.ts';
import type { XmppCondition } from './xmpp-errors.ts';

type Meaning = readonly [code: BusErrorCode, message: string];

/** The status codes of a presence (XEP-0045 section 15.6). */
export function statusesOf(presence: Element): ReadonlySet<number> {
  const codes = presence
    .getChild('x', NS.mucUser)
    ?.getChildren('status')
    .map(({ attrs }) => Number(attrs['code']));
  return new Set(codes);
}

/** Why we are no longer in the room, from the presence that says so. */
export function evictionOf(presence: Element, room: string): BusError {
  const about = presence.getChild('x', NS.mucUser);
  const reason = about?.getChild('item')?.getChildText('reason') ?? '';
  const [code, message] = meaningOf(statusesOf(presence), about?.getChild('destroy') !== undefined);
  return new BusError(
    code,
    `${message} (${room}${reason === '' ? '' : `: ${reason.slice(0, 120)}`})`,
  );
}

function meaningOf(statuses: ReadonlySet<number>, destroyed: boolean): Meaning {
  if (destroyed) return ['BUS_EVICTED', 'the room was destroyed'];
  if (statuses.has(301)) return ['BUS_ACCESS_DENIED', 'the account was banned from the room'];
  if (statuses.has(321) || statuses.has(322)) {
    return ['BUS_EVICTED', 'the room admits members only, and the account is none'];
  }
  if (statuses.has(332)) return ['BUS_EVICTED', 'the room service shuts down'];
  // XEP-0045 section 9.1.3: a 307 beside it is no kick, but the same technical problem.
  if (statuses.has(333)) return ['BUS_EVICTED', 'the room has lost sight of us'];
  if (statuses.has(307)) return ['BUS_EVICTED', 'we were kicked from the room'];
  return ['BUS_EVICTED', 'we are no longer in the room'];
}

/** Why the room does not let us in (XEP-0045 section 7.2). `known`: it has let us in before. */
export function refusalOf(
  { condition, text }: XmppCondition,
  { room, known }: { readonly room: string; readonly known: boolean },
): BusError {
  const [given, what] = REFUSALS[condition] ?? ['BUS_UNREACHABLE', 'does not let us in now'];
  // A room that was there and is not: its service may be about to start.
  const code = known && condition === 'not-allowed' ? 'BUS_UNREACHABLE' : given;
  return new BusError(code, `the room ${room} ${what} (${said(condition, text)})`);
}

/** Another try may succeed in a moment: another nickname, or somebody about to unlock the room. */
export function isWorthAnotherKnock({ condition }: XmppCondition): boolean {
  return condition === 'conflict' || condition === 'item-not-found';
}

const REFUSALS: Readonly<Record<string, Meaning>> = {
  'not-authorized': ['BUS_ACCESS_DENIED', 'asks for a password: set `roomPassword`'],
  forbidden: [
    'BUS_ACCESS_DENIED',
    'is closed to this account: an owner must lift the ban, or the server allow it to create rooms',
  ],
  'registration-required': [
    'BUS_MISCONFIGURED',
    'admits members only: an owner must make this account a member, or open the room',
  ],
  'not-allowed': [
    'BUS_MISCONFIGURED',
    'does not exist and this account may not create it: check `room`, create it, or allow that',
  ],
  'not-acceptable': [
    'BUS_MISCONFIGURED',
    'wants a registered nickname: an owner must switch that off',
  ],
  'jid-malformed': [
    'BUS_MISCONFIGURED',
    'is no address that the server accepts: change `room` or `label`',
  ],
  'item-not-found': [
    'BUS_UNREACHABLE',
    'is locked: whoever created it has not configured it yet; destroy it if that goes on',
  ],
  'service-unavailable': [
    'BUS_UNREACHABLE',
    'is full, or there is no room service at this address: raise its limit, or change `room`',
  ],
  'remote-server-not-found': [
    'BUS_UNREACHABLE',
    'is out of reach: there is no room service at this address; change `room`',
  ],
  'remote-server-timeout': ['BUS_UNREACHABLE', 'is out of reach: the room service does not answer'],
};

/** Why the room did not take a message. */
export function rejectionOf({ condition, text }: XmppCondition): BusError {
  const what = REJECTIONS[condition] ?? 'the room did not take the message';
  return new BusError('BUS_REJECTED', `${what} (${said(condition, text)})`);
}

const REJECTIONS: Readonly<Record<string, string>> = {
  forbidden:
    'we have no voice in the room: an owner must make it unmoderated, or give this account a voice',
  'not-acceptable': 'we are no longer in the room',
  'item-not-found': 'the room is gone',
  'resource-constraint': 'the room takes no more for now: publish less, or later',
  'policy-violation': 'the room found the message too large, or us too fast',
};

function said(condition: string, text: string): string {
  return text === '' ? condition : `${condition}: ${text}`;
}
