import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type { XmppTlsOptions } from '../../../adapters/xmpp/index.ts';
import { listen } from '../../../conformance-tests/listen.ts';
import { startProsody, type ProsodyBroker } from '../../../brokers/index.ts';
import { makeCertificates, type Certificates } from '../../support/certificates.ts';
import { prosody } from '../../support/brokers.ts';
import { Members, refusalOf } from './members.ts';

describe('XMPP: encryption', () => {
  let made: Promise<Certificates> | undefined;
  const certificates = (): Promise<Certificates> => (made ??= makeCertificates());
  let right: Promise<ProsodyBroker> | undefined;
  const rightHost = async (): Promise<ProsodyBroker> =>
    (right ??= startProsody({ tls: (await certificates()).server, requireTls: true }));
  let wrong: Promise<ProsodyBroker> | undefined;
  const wrongHost = async (): Promise<ProsodyBroker> =>
    (wrong ??= startProsody({ tls: (await certificates()).wrongHost }));

  const members = Members.at(rightHost);
  after(async () => {
    await (await right)?.stop();
    await (await wrong)?.stop();
    (await made)?.remove();
  });

  async function pem(name: 'ca' | 'foreignCa' | 'client' | 'foreignClient') {
    const { certFile, keyFile } = (await certificates())[name];
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }

  for (const way of ['STARTTLS', 'direct TLS', 'secure WebSocket']) {
    const attempt = async (broker: ProsodyBroker, tls?: XmppTlsOptions) => {
      const service = (await waysTo(broker))[way] ?? '';
      const options = tls === undefined ? { service } : { service, tls };
      return members.bus(members.newRoom(), options);
    };

    it(`${way}: passes with the right authority`, async () => {
      const { cert: ca } = await pem('ca');
      const { bus, heard } = await attempt(await rightHost(), { ca });
      await bus.open(heard.receiver);
      await bus.publish('encrypted');
      expect(heard.lines).to.deep.equal(['encrypted']);
    });

    it(`${way}: refuses a server of another authority, and says which option to set`, async () => {
      const { cert: ca } = await pem('foreignCa');
      for (const tls of [{ ca }, undefined]) {
        const { bus, heard } = await attempt(await rightHost(), tls);
        const { code, message } = await refusalOf(bus.open(heard.receiver));
        expect(code).to.equal('BUS_MISCONFIGURED');
        expect(message).to.match(/certificate of \S+ is refused.*`tls\.ca`/);
      }
    });

    it(`${way}: refuses a server that is called otherwise`, async () => {
      const { cert: ca } = await pem('ca');
      const { bus, heard } = await attempt(await wrongHost(), { ca });
      const { code, message } = await refusalOf(bus.open(heard.receiver));
      expect(code).to.equal('BUS_MISCONFIGURED');
      expect(message).to.match(/`tls\.servername`/);
    });

    it(`${way}: takes any server where verification is switched off by name`, async () => {
      const { bus, heard } = await attempt(await wrongHost(), { acceptAnyCertificate: true });
      await bus.open(heard.receiver);
      await bus.publish('encrypted, to whomever');
    });
  }

  it('takes a server by the name that it is told', async () => {
    const { cert: ca } = await pem('ca');
    const service = `xmpp://127.0.0.1:${(await wrongHost()).port}`;
    const tls = { ca, servername: 'elsewhere.example' };
    const { bus } = await members.joins(members.newRoom(), { service, tls });
    await bus.publish('found by its name');
  });

  it('goes without where the server offers none and nobody asks for it', async () => {
    const broker = await prosody();
    const service = `xmpp://127.0.0.1:${broker.port}`;
    const { bus, heard } = await members.bus(members.newRoom(), { service });
    await bus.open(heard.receiver);
    await bus.publish('in the open');
  });

  it('is asked for by `tls`: a server that offers none is refused', async () => {
    const broker = await prosody();
    const ways = { xmpp: `xmpp://127.0.0.1:${broker.port}`, ws: broker.websocketUrl };
    for (const service of Object.values(ways)) {
      const { bus, heard } = await members.bus('x', { service, tls: {} });
      const { code, message } = await refusalOf(bus.open(heard.receiver));
      expect(code).to.equal('BUS_MISCONFIGURED');
      expect(message).to.match(/`tls` asks for encryption/);
    }
  });

  it('shows the certificate of the client to a server that asks for one', async () => {
    const broker = await prosody();
    const { ca, server } = await certificates();
    const sockets = new Set<TLSSocket>();
    // Terminates TLS in front of the server, as a load balancer does.
    const front = createServer(
      {
        ca: readFileSync(ca.certFile),
        cert: readFileSync(server.certFile),
        key: readFileSync(server.keyFile),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (client) => {
        sockets.add(client);
        const back = connect(broker.port, '127.0.0.1');
        client.on('error', () => back.destroy()).pipe(back);
        back.on('error', () => client.destroy()).pipe(client);
      },
    );
    front.on('tlsClientError', () => undefined);
    const service = `xmpps://127.0.0.1:${await listen(front)}`;
    try {
      const { cert: authority } = await pem('ca');
      const known = { service, tls: { ca: authority, ...(await pem('client')) } };
      const { bus, heard } = await members.bus(members.newRoom(), known);
      await bus.open(heard.receiver);
      await bus.publish('known');
      for (const unknown of [{}, await pem('foreignClient')]) {
        const stranger = { service, tls: { ca: authority, ...unknown } };
        const refused = await members.bus(members.newRoom(), stranger);
        const { code, message } = await refusalOf(refused.bus.open(refused.heard.receiver));
        expect(code).to.be.oneOf(['BUS_UNREACHABLE', 'BUS_ACCESS_DENIED']);
        expect(message).to.match(/tls\.cert|ECONNRESET/);
      }
      await bus.close();
    } finally {
      for (const socket of sockets) socket.destroy();
      front.close();
    }
  });

  it('is resumed on an encrypted line as well', async () => {
    const { cert: ca } = await pem('ca');
    const member = await members.joins(members.newRoom(), { tls: { ca } });
    member.line.cut();
    await member.heard.until('resumed none');
    await member.bus.publish('after');
  });
});

/** The ways to the same server that are encrypted. */
async function waysTo(broker: ProsodyBroker): Promise<Readonly<Record<string, string>>> {
  return {
    STARTTLS: `xmpp://127.0.0.1:${broker.port}`,
    'direct TLS': `xmpps://127.0.0.1:${broker.tlsPort}`,
    'secure WebSocket': broker.websocketTlsUrl,
  };
}
