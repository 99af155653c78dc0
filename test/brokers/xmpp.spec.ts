import { client, xml } from '@xmpp/client';
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { startEjabberd, startProsody, type XmppBroker } from '../../brokers/index.ts';

for (const [name, start] of [
  ['Prosody', startProsody],
  ['ejabberd', startEjabberd],
] as const) {
  describe(`the native ${name}`, () => {
    let broker: XmppBroker;
    before(async () => {
      broker = await start();
    });
    after(() => broker.stop());

    it('lets the user of its URL log in', async () => {
      expect(await logIn(broker)).to.match(/^unstale@localhost\//);
    });

    it('speaks XMPP over WebSocket', async () => {
      const request = get(broker.websocketUrl.replace('ws:', 'http:'), {
        headers: {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': Buffer.alloc(16).toString('base64'),
          'sec-websocket-protocol': 'xmpp',
        },
      });
      const upgraded = await new Promise<IncomingMessage>((resolve, reject) => {
        request.once('error', reject);
        request.once('response', resolve);
        request.once('upgrade', (response: IncomingMessage, socket: Duplex) => {
          socket.destroy();
          resolve(response);
        });
      });
      expect(upgraded.headers['sec-websocket-protocol']).to.equal('xmpp');
    });

    it('is killed and comes back on the same port with the same users', async () => {
      await broker.addUser('bob', 'first');
      await broker.kill();
      await broker.start();
      expect(await logIn(broker, { username: 'bob', password: 'first' })).to.match(/^bob@/);
    });

    it('throws an occupant out of a room', async () => {
      const session = connection(broker, {});
      await session.start();
      const entered = new Promise<void>((resolve) => {
        session.on('stanza', (stanza) => {
          if (stanza.is('message') && stanza.getChild('subject') !== undefined) resolve();
        });
      });
      const kicked = new Promise<string>((resolve) => {
        session.on('stanza', (stanza) => {
          const codes = stanza.getChild('x')?.getChildren('status') ?? [];
          const code = codes.map((status) => String(status.attrs['code']));
          if (code.includes('307')) resolve(String(stanza.attrs['from']));
        });
      });
      const to = `lounge@${broker.mucDomain}/me`;
      await session.send(xml('presence', { to }, xml('x', 'http://jabber.org/protocol/muc')));
      await entered;
      await broker.kick('lounge', 'me');
      expect(await kicked).to.equal(to);
      await session.stop();
    });

    it('ends the sessions of a user when it is told to', async () => {
      const session = connection(broker, {});
      await session.start();
      session.reconnect.stop();
      const gone = disconnected(session);
      await broker.dropSessions(broker.username);
      await gone;
    });

    it('leaves no folder behind when it is stopped', async () => {
      await broker.stop();
      expect(existsSync(broker.folder)).to.equal(false);
    });
  });
}

describe('the native Prosody', () => {
  it('ends the sessions of a user whose password changes', async () => {
    const broker = await startProsody({ roomLocking: true, limitRate: '10kb/s' });
    await broker.addUser('carol', 'old');
    const session = connection(broker, { username: 'carol', password: 'old' });
    await session.start();
    session.reconnect.stop();
    const gone = disconnected(session);
    await broker.setPassword('carol', 'new');
    await gone;
    await broker.stop();
  });
});

function disconnected(session: ReturnType<typeof connection>): Promise<void> {
  return new Promise((resolve) => {
    session.once('disconnect', () => {
      resolve();
    });
  });
}

interface Login {
  readonly username?: string;
  readonly password?: string;
}

function connection(broker: XmppBroker, login: Login) {
  const session = client({
    service: `xmpp://${broker.host}:${broker.port}`,
    domain: broker.domain,
    username: broker.username,
    password: broker.password,
    ...login,
  });
  session.on('error', () => undefined);
  return session;
}

async function logIn(broker: XmppBroker, login: Login = {}): Promise<string> {
  const session = connection(broker, login);
  const jid = await session.start();
  await session.stop();
  return String(jid);
}
