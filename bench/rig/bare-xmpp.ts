import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { client, xml } from '@xmpp/client';
import { BareCache } from './bare-cache.ts';
import type { Contender, ContenderConfig } from './contender.ts';

const MUC = 'http://jabber.org/protocol/muc';

/** @xmpp/client in a room, one key a message; accepted once the room has reflected it. With TCP_NODELAY, which the library does not set. */
export async function bareXmpp(
  config: Extract<ContenderConfig, { type: 'bare-xmpp' }>,
): Promise<Contender> {
  const { host, port, domain, room, username, password } = config;
  const xmpp = client({ service: `xmpp://${host}:${port}`, domain, username, password });
  const cache = new BareCache();
  const nick = randomUUID();
  const accepted = new Map<string, () => void>();
  let sent = 0;
  xmpp.on('error', (error) => {
    process.stderr.write(`${String(error)}\n`);
  });
  const online = new Promise((resolve) => {
    xmpp.once('online', resolve);
  });
  await xmpp.start();
  await online;
  // `online` comes before stream management is on, and what is heard in between would be counted wrong.
  const { streamManagement } = xmpp as unknown as { streamManagement: { enabled: boolean } };
  while (!streamManagement.enabled) await pause(20);
  setNoDelay(xmpp.socket);
  const joined = new Promise<void>((resolve) => {
    xmpp.on('stanza', (stanza) => {
      if (stanza.is('presence') && stanza.attrs['from'] === `${room}/${nick}`) resolve();
      if (!stanza.is('message')) return;
      const key = stanza.getChildText('body');
      if (key === null) return;
      cache.drop(key);
      if (stanza.attrs['from'] !== `${room}/${nick}`) return;
      const id = String(stanza.attrs['id']);
      accepted.get(id)?.();
      accepted.delete(id);
    });
  });
  const history = xml('history', { maxstanzas: '0' });
  await xmpp.send(xml('presence', { to: `${room}/${nick}` }, xml('x', { xmlns: MUC }, history)));
  await joined;
  return Object.assign(cache, {
    publish(key: string): Promise<void> {
      sent += 1;
      const id = String(sent);
      const message = xml('message', { type: 'groupchat', to: room, id }, xml('body', {}, key));
      return new Promise((resolve, reject) => {
        accepted.set(id, resolve);
        xmpp.send(message).catch(reject);
      });
    },
    async close(): Promise<void> {
      await xmpp.stop();
    },
  });
}

function setNoDelay(socket: unknown): void {
  const plain = socket as { setNoDelay?: (on: boolean) => void; socket?: unknown };
  if (plain.setNoDelay === undefined) throw new Error('no socket to set TCP_NODELAY on');
  plain.setNoDelay(true);
}
