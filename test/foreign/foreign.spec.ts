import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startProsody } from '../../brokers/index.ts';
import { runCommand } from '../../brokers/run-command.ts';
import type { BusConfig, XmppBusConfig } from '../../src/config/bus-config.ts';
import { parseBusUrl } from '../../src/config/index.ts';
import { activemq, prosody, rabbitmq } from '../support/brokers.ts';
import { makeCertificates } from '../support/certificates.ts';
import { ensureClients, JmsProgram, runPython, spawnPython } from './foreign-client.ts';
import { TwoNodes } from './two-nodes.ts';

const CHANNEL = `foreign-${process.pid}`;

/** The installation of a client may take its time, once. */
const INSTALL_MS = 600_000;

async function evicts(
  bus: string | BusConfig,
  say: (text: string) => Promise<unknown>,
): Promise<void> {
  const two = await TwoNodes.join(typeof bus === 'string' ? parseBusUrl(bus) : bus);
  try {
    const ids = ['article:42', 'article:43', '44'];
    await two.fill(...ids);
    expect(two.kept(...ids)).to.deep.equal([ids, ids]);
    // All of them in one message, an id a line; the last one says its region as well.
    await Promise.all([two.gone('article:42'), two.gone('44'), say('article:42\narticles/44')]);
    expect(two.kept(...ids)).to.deep.equal([['article:43'], ['article:43']]);
  } finally {
    await two.leave();
  }
}

describe('a client that knows nothing of this protocol', function () {
  this.timeout(90_000);

  before(async function () {
    this.timeout(INSTALL_MS);
    await ensureClients('slixmpp', 'go-sendxmpp', 'stomp', 'pika', 'jms', 'jdk');
  });

  it('evicts from the room: python3-slixmpp', async () => {
    const server = await prosody();
    await server.addUser('python', 'python-secret');
    const room = `${CHANNEL}@${server.mucDomain}`;
    const account = ['127.0.0.1', String(server.port), 'python@localhost', 'python-secret'];
    const url = server.url.replace('/cache@', `/${CHANNEL}@`);
    await evicts(url, (text) => runPython('say-in-room.py', [...account, room, text]));
  });

  it('reads in the room what was invalidated: python3-slixmpp', async () => {
    const server = await prosody();
    await server.addUser('reader', 'python-secret');
    const channel = `${CHANNEL}-read`;
    const two = await TwoNodes.join(parseBusUrl(server.url.replace('/cache@', `/${channel}@`)));
    try {
      const account = ['127.0.0.1', String(server.port), 'reader@localhost', 'python-secret'];
      const room = `${channel}@${server.mucDomain}`;
      const listening = spawnPython('say-in-room.py', [...account, room, '--listen']);
      await listening.untilListening();
      await two.nodes[0]?.articles.invalidate('article:7');
      expect(await listening.heard()).to.contain('article:7');
    } finally {
      await two.leave();
    }
  });

  it('evicts from the room: go-sendxmpp', async () => {
    const certificates = await makeCertificates();
    // This client wants encryption.
    const server = await startProsody({ tls: certificates.server });
    try {
      await server.addUser('gopher', 'gopher-secret');
      const room = `${CHANNEL}@${server.mucDomain}`;
      const bus: XmppBusConfig = {
        transport: 'xmpp',
        service: `xmpps://127.0.0.1:${server.tlsPort}`,
        domain: server.domain,
        room,
        username: server.username,
        password: server.password,
        tls: { ca: readFileSync(certificates.ca.certFile, 'utf8') },
      };
      await evicts(bus, (text) =>
        runCommand('sh', [
          '-c',
          'printf "%s" "$1" | go-sendxmpp -n -t -u gopher@localhost -p gopher-secret -j "$2" -a gopher -c "$3"',
          'sh',
          text,
          `127.0.0.1:${server.tlsPort}`,
          room,
        ]),
      );
    } finally {
      await server.stop();
      certificates.remove();
    }
  });

  it('evicts over STOMP: python3-stomp', async () => {
    const { port, url, username, password } = await activemq();
    const account = ['127.0.0.1', String(port), username, password];
    await evicts(url.replace(/\/[^/]*$/, `/${CHANNEL}`), (text) =>
      runPython('say-to-topic.py', [...account, CHANNEL, text]),
    );
  });

  it('evicts over AMQP: python3-pika', async () => {
    const { port, url, username, password } = await rabbitmq();
    const account = ['127.0.0.1', String(port), username, password];
    await evicts(url.replace(/exchange=.*/, `exchange=${CHANNEL}`), (text) =>
      runPython('say-to-exchange.py', [...account, CHANNEL, text]),
    );
  });

  describe('in Java, over JMS and OpenWire', () => {
    const program = new JmsProgram();

    before(async () => {
      await program.compile();
    });
    after(() => {
      program.remove();
    });

    it('evicts with a TextMessage', async () => {
      const { openwirePort, url, username, password } = await activemq();
      const topic = `${CHANNEL}-jms`;
      const account = [`tcp://127.0.0.1:${openwirePort}`, username, password, topic];
      await evicts(url.replace(/\/[^/]*$/, `/${topic}`), (text) => program.run([...account, text]));
    });

    it('reads what was invalidated as a TextMessage', async () => {
      const { openwirePort, url, username, password } = await activemq();
      const topic = `${CHANNEL}-jms-read`;
      const two = await TwoNodes.join(parseBusUrl(url.replace(/\/[^/]*$/, `/${topic}`)));
      try {
        const account = [`tcp://127.0.0.1:${openwirePort}`, username, password, topic];
        const listening = program.spawn([...account, '--listen']);
        await listening.untilListening();
        await two.nodes[0]?.articles.invalidate('article:7');
        expect(await listening.heard()).to.contain('"article:7"');
      } finally {
        await two.leave();
      }
    });
  });
});
