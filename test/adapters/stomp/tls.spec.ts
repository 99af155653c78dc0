import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { stompBus, type StompTlsOptions } from '../../../adapters/stomp/index.ts';
import { startActiveMq, type ActiveMqBroker } from '../../../brokers/index.ts';
import {
  makeCertificates,
  type Certificate,
  type Certificates,
} from '../../support/certificates.ts';
import { Listener, refusalOf } from './listener.ts';

describe('the STOMP bus over TLS', function () {
  this.timeout(60_000);
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  after(() => {
    certificates.remove();
  });

  describe('with a broker that shows the right certificate', () => {
    let broker: ActiveMqBroker;
    before(async () => {
      broker = await startActiveMq({ tls: certificates.server });
    });
    after(() => broker.stop());

    it('lets frames through for the right authority', async () => {
      for (const host of ['localhost', '127.0.0.1']) {
        const listener = await Listener.on(bus(broker, host, { ca: pem(certificates.ca) }));
        await listener.bus.publish('over TLS');
        await listener.hearsFrame('over TLS');
        await listener.bus.close();
      }
    });

    it('refuses a certificate of a foreign authority, and says what to do', async () => {
      for (const tls of [{ ca: pem(certificates.foreignCa) }, {}]) {
        const error = await refusalOf(Listener.on(bus(broker, 'localhost', tls)));
        expect(error).to.include({ code: 'BUS_MISCONFIGURED' });
        expect(String(error)).to.contain('tls.ca');
      }
    });

    it('refuses it for another name than the one that is expected', async () => {
      const tls = { ca: pem(certificates.ca), servername: 'elsewhere.example' };
      const error = await refusalOf(Listener.on(bus(broker, 'localhost', tls)));
      expect(error).to.include({ code: 'BUS_MISCONFIGURED' });
      expect(String(error)).to.contain('tls.servername');
    });

    it('accepts any certificate when it is told to, by name', async () => {
      const tls = { acceptAnyCertificate: true };
      const listener = await Listener.on(bus(broker, 'localhost', tls));
      await listener.bus.close();
    });

    it('says so when one side speaks TLS and the other does not', async () => {
      const { host, port, tlsPort, username, password } = broker;
      const tuning = { attachTimeoutMs: 2_000 };
      const account = { topic: 'tls', host, username, password, tuning };
      const encrypted = stompBus({ ...account, port, tls: { acceptAnyCertificate: true } });
      const plain = stompBus({ ...account, port: tlsPort });
      for (const one of [encrypted, plain]) {
        expect(await refusalOf(Listener.on(one))).to.include({ code: 'BUS_UNREACHABLE' });
      }
    });
  });

  it("refuses a broker with somebody else's certificate", async () => {
    const broker = await startActiveMq({ tls: certificates.wrongHost });
    try {
      const tls = { ca: pem(certificates.ca) };
      const error = await refusalOf(Listener.on(bus(broker, 'localhost', tls)));
      expect(error).to.include({ code: 'BUS_MISCONFIGURED' });
      const named = { ...tls, servername: 'elsewhere.example' };
      const listener = await Listener.on(bus(broker, 'localhost', named));
      await listener.bus.close();
    } finally {
      await broker.stop();
    }
  });

  it('shows a certificate of its own to a broker that asks for one', async () => {
    const { ca, server, client, foreignClient } = certificates;
    const broker = await startActiveMq({
      tls: { ...server, caFile: ca.certFile, requireClientCertificate: true },
    });
    try {
      const own = { ca: pem(ca), ...pair(client) };
      const listener = await Listener.on(bus(broker, 'localhost', own));
      await listener.bus.publish('by a known client');
      await listener.hearsFrame('by a known client');
      await listener.bus.close();
      for (const tls of [{ ca: pem(ca) }, { ca: pem(ca), ...pair(foreignClient) }]) {
        const error = await refusalOf(Listener.on(bus(broker, 'localhost', tls)));
        // ActiveMQ hangs up without a word, or its word (an alert) is overtaken by the end of the connection.
        expect(error)
          .to.have.property('code')
          .that.is.oneOf(['BUS_ACCESS_DENIED', 'BUS_UNREACHABLE']);
        expect(String(error)).not.to.contain('PRIVATE KEY');
      }
    } finally {
      await broker.stop();
    }
  });
});

function bus({ tlsPort, username, password }: ActiveMqBroker, host: string, tls: StompTlsOptions) {
  const tuning = { attachTimeoutMs: 5_000 };
  return stompBus({ topic: 'tls', host, port: tlsPort, username, password, tls, tuning });
}

function pem({ certFile }: Certificate): string {
  return readFileSync(certFile, 'utf8');
}

function pair({ certFile, keyFile }: Certificate): { readonly cert: string; readonly key: string } {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
