import { client, xml } from '@xmpp/client';

export interface Kick {
  readonly service: string;
  readonly domain: string;
  /** An administrator of the chat service. */
  readonly username: string;
  readonly password: string;
  /** The room's address. */
  readonly room: string;
  readonly nick: string;
}

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Kicks an occupant as a moderator does with a client (XEP-0045, 8.2). Only a moderator who is in the room may,
 * so the administrator joins for a moment.
 */
export async function kickOccupant(kick: Kick): Promise<void> {
  const { service, domain, username, password, room, nick } = kick;
  const session = client({ service, domain, username, password });
  session.on('error', () => undefined);
  session.reconnect.stop();
  const to = `${room}/launcher`;
  try {
    await session.start();
    const joined = subjectOf(session, room);
    await session.send(xml('presence', { to }, xml('x', 'http://jabber.org/protocol/muc')));
    await joined;
    await session.iqCaller.request(
      xml(
        'iq',
        { to: room, type: 'set' },
        xml('query', 'http://jabber.org/protocol/muc#admin', xml('item', { nick, role: 'none' })),
      ),
      ANSWER_TIMEOUT_MS,
    );
    await session.send(xml('presence', { to, type: 'unavailable' }));
  } finally {
    // What arrives after the end of the stream is an uncaught exception in @xmpp/client 0.14.
    session.socket?.removeAllListeners('data');
    session.timeout = 50;
    await session.stop();
  }
}

/** The subject is the last thing that a room says to somebody who joins. */
function subjectOf(session: ReturnType<typeof client>, room: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${room} did not let the administrator in`));
    }, ANSWER_TIMEOUT_MS);
    session.on('stanza', (stanza) => {
      if (stanza.attrs['from'] !== room || stanza.getChild('subject') === undefined) return;
      clearTimeout(timer);
      resolve();
    });
  });
}
