import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { amqpBus, type AmqpTlsOptions } from '../../../adapters/amqp/index.ts';
import { type RabbitMqBroker, startRabbitMq } from '../../../brokers/index.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { Heard } from '../../support/heard.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';

type Wanted = (files: {
  readonly of: Certificates;
  readonly pem: (file: string) => string;
}) => AmqpTlsOptions;

const own: Wanted = ({ of: { client }, pem }) => ({
  cert: pem(client.certFile),
  key: pem(client.keyFile),
});
const trusting: Wanted = (files) => ({ ...own(files), ca: files.pem(files.of.ca.certFile) });

describe('the amqp bus over TLS', function () {
  this.timeout(120_000);
  const made: { certificates?: Certificates; broker?: RabbitMqBroker } = {};
  before('RabbitMQ asks for client certificates', async () => {
    const certificates = await makeCertificates();
    const { server, ca } = certificates;
    made.certificates = certificates;
    made.broker = await startRabbitMq({
      tls: { ...server, caFile: ca.certFile, requireClientCertificate: true },
    });
  });
  after(async () => {
    await made.broker?.stop();
    made.certificates?.remove();
  });

  async function open(wanted: Wanted, host: string): Promise<void> {
    const { broker, certificates } = made;
    if (broker === undefined || certificates === undefined) throw new Error('no broker');
    const tls = wanted({ of: certificates, pem: (file) => readFileSync(file, 'utf8') });
    const { tlsPort: port, username, password } = broker;
    const bus = amqpBus({ host, port, username, password, exchange: 'tls', tls });
    const heard = new Heard();
    await bus.open(heard.receiver);
    await bus.publish('x');
    await heard.until('x');
    await bus.close();
  }

  it('is let in with the right authority and a certificate of its own, by name and by address', async () => {
    await open(trusting, 'localhost');
    await open(trusting, '127.0.0.1');
  });

  for (const [what, host, wanted, code, hint] of [
    [
      'the authority is another',
      'localhost',
      (files) => ({ ...own(files), ca: files.pem(files.of.foreignCa.certFile) }),
      'BUS_MISCONFIGURED',
      'tls.ca',
    ],
    ['the authority is not given', 'localhost', own, 'BUS_MISCONFIGURED', 'tls.ca'],
    [
      'the certificate is for another name',
      'localhost',
      (files) => ({ ...trusting(files), servername: 'elsewhere.example' }),
      'BUS_MISCONFIGURED',
      'tls.servername',
    ],
    [
      'it has no certificate of its own',
      'localhost',
      ({ of: { ca }, pem }) => ({ ca: pem(ca.certFile) }),
      'BUS_ACCESS_DENIED',
      'tls.cert',
    ],
    [
      'its own certificate is of another authority',
      'localhost',
      ({ of: { ca, foreignClient }, pem }) => ({
        ca: pem(ca.certFile),
        cert: pem(foreignClient.certFile),
        key: pem(foreignClient.keyFile),
      }),
      'BUS_ACCESS_DENIED',
      'tls.cert',
    ],
  ] as readonly (readonly [string, string, Wanted, string, string])[]) {
    it(`is refused when ${what}, and told what to change`, async () => {
      const error = await rejection(open(wanted, host));
      expect(error).to.include({ code });
      expect(error).to.have.property('message').that.contains(hint);
    });
  }

  it('is let in whatever the certificate is, where that is switched off by name', async () => {
    await open((files) => ({ ...own(files), acceptAnyCertificate: true }), 'localhost');
  });

  it('does not speak in the clear to a port of TLS, nor TLS to one in the clear', async () => {
    const { broker } = made;
    const options = { host: '127.0.0.1', exchange: 'tls', tuning: { attachTimeoutMs: 5_000 } };
    const clear = amqpBus({ ...options, port: broker?.tlsPort ?? 0 });
    expect(await rejection(clear.open(new Heard().receiver))).to.include({
      code: 'BUS_UNREACHABLE',
    });
    const tls = amqpBus({ ...options, port: broker?.port ?? 0, tls: {} });
    const error = await rejection(tls.open(new Heard().receiver));
    expect(error).to.include({ code: 'BUS_UNREACHABLE' });
  });
});
