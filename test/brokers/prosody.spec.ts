import { client, xml } from '@xmpp/client';
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { startProsody, type ProsodyBroker } from '../../brokers/index.ts';

describe('the native Prosody', () => {
  let broker: ProsodyBroker;
  before(async () => {
    broker = await startProsody();
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

  it('ends the sessions of a user whose password changes', async () => {
    await broker.addUser('carol', 'old');
    const session = connection(broker, { username: 'carol', password: 'old' });
    await session.start();
    const gone = new Promise<string>((resolve) => {
      session.once('disconnect', () => {
        resolve('disconnected');
      });
    });
    session.reconnect.stop();
    await broker.setPassword('carol', 'new');
    expect(await gone).to.equal('disconnected');
  });

  it('throws an occupant out of a room', async () => {
    const session = connection(broker, {});
    await session.start();
    const kicked = new Promise<string>((resolve) => {
      session.on('stanza', (stanza) => {
        const codes = stanza.getChild('x')?.getChildren('status') ?? [];
        const code = codes.map((status) => String(status.attrs['code']));
        if (code.includes('110') && !code.includes('307')) void broker.kick('lounge', 'me');
        if (code.includes('307')) resolve(String(stanza.attrs['from']));
      });
    });
    const to = `lounge@${broker.mucDomain}/me`;
    await session.send(xml('presence', { to }, xml('x', 'http://jabber.org/protocol/muc')));
    expect(await kicked).to.equal(to);
    await session.stop();
  });

  it('leaves no folder behind when it is stopped', async () => {
    const other = await startProsody({ roomLocking: true, limitRate: '10kb/s' });
    await other.stop();
    expect(existsSync(other.folder)).to.equal(false);
  });
});

interface Login {
  readonly username?: string;
  readonly password?: string;
}

function connection(broker: ProsodyBroker, login: Login) {
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

async function logIn(broker: ProsodyBroker, login: Login = {}): Promise<string> {
  const session = connection(broker, login);
  const jid = await session.start();
  await session.stop();
  return String(jid);
}
