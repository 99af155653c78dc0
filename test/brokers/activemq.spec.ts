import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { startActiveMq, type ActiveMqBroker } from '../../brokers/index.ts';
import { probeTcp } from '../../brokers/probe-tcp.ts';
import { makeCertificates } from '../support/certificates.ts';

describe('the native ActiveMQ', function () {
  this.timeout(60_000);
  let broker: ActiveMqBroker;
  before(async () => {
    broker = await startActiveMq();
  });
  after(() => broker.stop());

  it('lets the user of its URL log in', async () => {
    await logIn(broker, broker.username, broker.password);
  });

  it('knows a new user and a new password without a restart', async () => {
    await broker.addUser('bob', 'first');
    await logIn(broker, 'bob', 'first');
    await broker.setPassword('bob', 'a b:c=d');
    await logIn(broker, 'bob', 'a b\\cc=d');
  });

  it('is killed and comes back on the same port', async () => {
    await broker.kill();
    await broker.start();
    await logIn(broker, broker.username, broker.password);
  });

  it('leaves no folder behind when it is stopped', async () => {
    await broker.stop();
    expect(existsSync(broker.folder)).to.equal(false);
  });
});

describe('the native ActiveMQ with a certificate', function () {
  this.timeout(60_000);

  it('shows that certificate to its clients, and asks for theirs', async () => {
    const certificates = await makeCertificates();
    const { ca, server, client } = certificates;
    const broker = await startActiveMq({
      tls: { ...server, caFile: ca.certFile, requireClientCertificate: true },
    });
    try {
      const socket = connect({
        host: 'localhost',
        port: broker.tlsPort,
        ca: readFileSync(ca.certFile),
        cert: readFileSync(client.certFile),
        key: readFileSync(client.keyFile),
      });
      const answer = new Promise<string>((resolve, reject) => {
        socket.once('error', reject);
        socket.once('data', (data) => {
          resolve(data.toString());
        });
      });
      socket.write(hello(broker.username, broker.password));
      expect(await answer).to.match(/^CONNECTED/);
      socket.destroy();
    } finally {
      await broker.stop();
      certificates.remove();
    }
  });
});

function logIn(broker: ActiveMqBroker, username: string, password: string): Promise<void> {
  const { host, port } = broker;
  return probeTcp({ host, port, hello: hello(username, password), expect: /^CONNECTED/ });
}

function hello(username: string, password: string): string {
  return `CONNECT\naccept-version:1.2\nhost:/\nlogin:${username}\npasscode:${password}\n\n\0`;
}
