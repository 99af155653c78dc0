import { createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { listen } from '../../../conformance-tests/listen.ts';
import { TcpProxy } from '../../../conformance-tests/index.ts';
import { prosody } from '../../support/brokers.ts';
import { freePort } from '../../../brokers/free-port.ts';
import { Members, refusalOf } from './members.ts';

describe('XMPP: several addresses', () => {
  const members = Members.at(prosody);

  it('are tried in turn until one lets us in', async () => {
    const { port } = await prosody();
    const dead = await freePort();
    for (let round = 0; round < 4; round += 1) {
      const hosts = [`127.0.0.1:${dead}`, `localhost:${port}`];
      const { bus, heard } = await members.bus(members.newRoom(), { hosts });
      await bus.open(heard.receiver);
      await bus.publish('in');
    }
  });

  it('get a part of the time each, so that one that is silent leaves some for the next', async () => {
    const { port } = await prosody();
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    const silentPort = await listen(silent);
    try {
      for (let round = 0; round < 4; round += 1) {
        const hosts = [`127.0.0.1:${silentPort}`, `127.0.0.1:${port}`];
        const tuning = { attachTimeoutMs: 2_000 };
        const { bus, heard } = await members.bus(members.newRoom(), { hosts, tuning });
        await bus.open(heard.receiver);
        await bus.publish('in');
      }
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('are left when the one in use goes away, and the session goes on at the other', async () => {
    const server = await prosody();
    await using first = await TcpProxy.to(server);
    await using second = await TcpProxy.to(server);
    const hosts = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`];
    const { bus, heard } = await members.bus(members.newRoom(), { hosts });
    await bus.open(heard.receiver);
    const used = first.connections > 0 ? first : second;
    used.sever();
    await heard.until('resumed none');
    expect(used.connections).to.equal(0);
    await bus.publish('after');
    await bus.close();
  });

  it('are all refused at once when a password is wrong', async () => {
    const { port } = await prosody();
    await using first = await TcpProxy.to({ host: '127.0.0.1', port });
    await using second = await TcpProxy.to({ host: '127.0.0.1', port });
    const hosts = [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`];
    const { bus, heard } = await members.bus('x', { hosts, password: 'not-the-password' });
    const { code, message } = await refusalOf(bus.open(heard.receiver));
    expect(code).to.equal('BUS_ACCESS_DENIED');
    expect(message).to.not.include('not-the-password');
    expect(first.accepted + second.accepted).to.equal(1);
  });
});
