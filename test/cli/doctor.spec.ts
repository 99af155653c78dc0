import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startProsody, type ProsodyBroker } from '../../brokers/index.ts';
import { freePort } from '../../brokers/free-port.ts';
import { loadBus, parseBusUrl } from '../../src/config/index.ts';
import { joinCluster, type Cluster } from '../../src/index.ts';
import { makeCertificates } from '../support/certificates.ts';
import { activemq, ejabberd, prosody, rabbitmq } from '../support/brokers.ts';
import { CommandRun } from './command-run.ts';

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly text: string;
  readonly advice?: string;
}

interface Diagnosis {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  /** The first finding that is not ok. */
  readonly cause: Finding | undefined;
}

async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Diagnosis> {
  const run = new CommandRun(['doctor', '--json', '--timeout', '3', ...args], env);
  const { code, stdout, stderr } = await run.result();
  expect(stderr).not.to.match(/defect/);
  const { findings }: { findings: readonly Finding[] } = JSON.parse(stdout);
  const cause = findings.find(({ verdict }) => verdict === 'warning' || verdict === 'failed');
  return { code, findings, cause };
}

async function member(url: string): Promise<Cluster> {
  return await joinCluster({ name: 'shop', bus: await loadBus(parseBusUrl(url)), lingerMs: 0 });
}

let rooms = 0;
function roomOf(server: ProsodyBroker): { name: string; url: string } {
  rooms += 1;
  const name = `doctor-${process.pid}-${rooms}`;
  return { name, url: server.url.replace('/cache@', `/${name}@`) };
}

const SHOP = ['--cluster', 'shop'];

describe('unstale doctor', function () {
  this.timeout(120_000);

  for (const [name, urlOf] of [
    ['Prosody', async () => roomOf(await prosody()).url],
    ['ejabberd', async () => (await ejabberd()).url],
    ['ActiveMQ', async () => (await activemq()).url],
    ['RabbitMQ', async () => (await rabbitmq()).url],
    ['RabbitMQ by STOMP', async () => (await rabbitmq()).stompUrl],
    ['one machine', async () => `ipc:doctor-${process.pid}`],
  ] as const) {
    it(`finds everything ok on ${name} with a member`, async () => {
      const url = await urlOf();
      const cluster = await member(url);
      try {
        const { code, cause, findings } = await doctor(['--bus', url, ...SHOP]);
        expect(cause, JSON.stringify(cause)).to.equal(undefined);
        expect(code).to.equal(0);
        expect(findings.map(({ check }) => check)).to.include.members([
          'configuration',
          'address',
          'attach',
          'loopback',
          'largest-frame',
          'rate',
          'second-subscriber',
          'cluster',
        ]);
        expect(findings.at(-1)?.text).to.match(/every member answers: node-/);
      } finally {
        await cluster.close();
      }
    });
  }

  it('says that nobody listens there', async () => {
    const { code, cause } = await doctor(['--bus', `amqp://127.0.0.1:${await freePort()}`]);
    expect(cause?.check).to.equal('address');
    expect(cause?.text).to.match(/nobody listens/);
    expect(code).to.equal(1);
  });

  it('says that the name of the host does not resolve', async () => {
    const { cause } = await doctor(['--bus', 'stomp://a:b@no-such-host.invalid/t']);
    expect(cause?.check).to.equal('address');
    expect(cause?.text).to.match(/does not resolve/);
  });

  for (const [name, urlOf] of [
    ['Prosody', async () => roomOf(await prosody()).url],
    ['ActiveMQ', async () => (await activemq()).url],
    ['RabbitMQ', async () => (await rabbitmq()).url],
  ] as const) {
    it(`says that the password is wrong on ${name}, and which variable holds it`, async () => {
      const url = (await urlOf()).replace(':unstale-secret@', '@');
      const { cause } = await doctor(['--bus', url], { UNSTALE_PASSWORD: 'wrong-one' });
      expect(cause?.check).to.equal('login');
      expect(cause?.advice).to.match(/password \(UNSTALE_PASSWORD\)/);
    });
  }

  it('says in which file the wrong password stands', async () => {
    const { port } = await rabbitmq();
    const folder = await mkdtemp(join(tmpdir(), 'unstale-doctor-'));
    const file = join(folder, 'unstale.yaml');
    const amqp = `{ port: ${port}, host: 127.0.0.1, exchange: e, username: unstale, password: no }`;
    await writeFile(file, `cluster: shop\ntransport: amqp\namqp: ${amqp}\n`);
    try {
      const { cause } = await doctor(['--config', file]);
      expect(cause?.advice).to.contain(`amqp.password (file ${file})`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says which source has overruled which', async () => {
    const { findings } = await doctor(['--bus', 'memory:', ...SHOP], { UNSTALE_CLUSTER: 'other' });
    expect(findings[0]?.text).to.match(/cluster: the command line overrules UNSTALE_CLUSTER/);
  });

  describe('on a room that is not as it should be', () => {
    const set: { server?: ProsodyBroker } = {};
    const server = (): ProsodyBroker => {
      if (set.server === undefined) throw new Error('not started');
      return set.server;
    };

    before(async () => {
      set.server = await startProsody({ historyMessages: 20 });
      await set.server.addUser('guest', 'guest-secret');
    });
    after(async () => {
      await set.server?.stop();
    });

    /** The first finding about a room that `lua` has changed, as a guest meets it. */
    async function causeAfter(lua: string): Promise<Finding | undefined> {
      const { name, url } = roomOf(server());
      const owner = await member(url);
      try {
        await server().runInRoom(name, lua);
        const asGuest = url.replace('unstale:unstale-secret', 'guest:guest-secret');
        return (await doctor(['--bus', asGuest, ...SHOP])).cause;
      } finally {
        await owner.close();
      }
    }

    it('says that it sends its history', async () => {
      const cause = await causeAfter('room:set_historylength(20)');
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/history/);
      expect(cause?.advice).to.match(/history length to 0.*prosody\.cfg\.lua/);
    });

    it('says that it is moderated', async () => {
      const cause = await causeAfter('room:set_moderated(true)');
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/moderated and gives us no voice/);
    });

    it('says that it admits members only', async () => {
      const cause = await causeAfter('room:set_members_only(true)');
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/members only/);
    });

    it('says that it wants a password', async () => {
      const cause = await causeAfter('room:set_password("x")');
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/roomPassword/);
    });

    it('says that the account is banned', async () => {
      const cause = await causeAfter(
        'assert(room:set_affiliation(true, "guest@localhost", "outcast"))',
      );
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/ban/);
    });

    it('says that it is not persistent', async () => {
      const cause = await causeAfter('room:set_persistent(false)');
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/not persistent/);
    });

    it('says that the service takes the payload off', async () => {
      // For one room only: the other tests use the same service.
      const cause = await causeAfter(`
        local here = room.jid;
        muc.module:hook("muc-broadcast-message", function (event)
          if event.room.jid == here then event.stanza:remove_children("json", "urn:xmpp:json:0"); end
        end, 1000);`);
      expect(cause?.check).to.equal('room');
      expect(cause?.text).to.match(/takes <json .* out of messages/);
    });
  });

  it('says that the certificate is not trusted, and that there is no encryption', async () => {
    const certificates = await makeCertificates();
    const server = await startProsody({ tls: certificates.server, requireTls: true });
    const room = 'unstale:unstale-secret@127.0.0.1';
    try {
      const untrusted = await doctor([
        '--bus',
        `xmpps://${room}:${server.tlsPort}/r@c?domain=localhost`,
      ]);
      expect(untrusted.cause?.check, JSON.stringify(untrusted.cause)).to.equal('tls');
      expect(untrusted.cause?.text).to.match(/certificate .* is refused/);
      const plain = await prosody();
      const none = await doctor(['--bus', `xmpps://${room}:${plain.port}/r@c?domain=localhost`]);
      expect(none.cause?.check, JSON.stringify(none.cause)).to.equal('tls');
      expect(none.cause?.text).to.match(/does not speak TLS/);
    } finally {
      await server.stop();
      certificates.remove();
    }
  });

  it('says that something else listens there', async () => {
    const { port } = await prosody();
    const { cause } = await doctor(['--bus', `amqp://127.0.0.1:${port}`]);
    expect(cause?.check, JSON.stringify(cause)).to.equal('attach');
    expect(cause?.text).to.match(/AMQP/);
  });

  it('says that this client is throttled', async () => {
    const server = await startProsody({ limitRate: '10kb/s' });
    try {
      const { cause } = await doctor(['--bus', server.url, ...SHOP]);
      expect(cause?.check).to.equal('rate');
      expect(cause?.text).to.match(/throttles this client/);
      expect(cause?.advice).to.match(/limits in prosody\.cfg\.lua/);
    } finally {
      await server.stop();
    }
  });

  for (const [right, rights] of [
    ['configure', { configure: '^$', write: '.*', read: '.*' }],
    ['write', { configure: '.*', write: '^amq\\.gen', read: '.*' }],
    ['read', { configure: '.*', write: '.*', read: '^amq\\.gen' }],
  ] as const) {
    it(`says that the user lacks the right to ${right} on RabbitMQ`, async () => {
      const server = await rabbitmq();
      const user = `no-${right}-${process.pid}`;
      await server.addUser(user, 'secret');
      await server.setPermissions(user, rights);
      const { cause } = await doctor([
        '--bus',
        `amqp://${user}:secret@127.0.0.1:${server.port}/?exchange=rights`,
      ]);
      expect(cause?.check, JSON.stringify(cause)).to.equal('rights');
      expect(cause?.advice).to.match(/rabbitmqctl set_permissions/);
    });
  }

  for (const who of ['reader', 'nobody'] as const) {
    it(`says that the user lacks a right on ActiveMQ, as ${who}`, async () => {
      const server = await activemq();
      const { username, password } = server[who];
      const url = `stomp://${username}:${password}@127.0.0.1:${server.port}/rights`;
      const { cause } = await doctor(['--bus', url]);
      expect(cause?.check, JSON.stringify(cause)).to.equal('rights');
      expect(cause?.advice).to.match(/activemq\.xml/);
    });
  }

  it('says that the exchange is of another type', async () => {
    const server = await rabbitmq();
    const url = server.url.replace(/exchange=.*/, 'exchange=amq.direct');
    const { cause } = await doctor(['--bus', url]);
    expect(cause?.check, JSON.stringify(cause)).to.equal('exchange');
    expect(cause?.text).to.match(/another type/);
    expect(cause?.advice).to.match(/exchange in the bus URL \(the command line\)/);
  });

  it('says that the virtual host does not exist', async () => {
    const server = await rabbitmq();
    const { cause } = await doctor(['--bus', server.url.replace('/?', '/nowhere?')]);
    expect(cause?.text, JSON.stringify(cause)).to.match(/virtual host/);
  });

  it('says that the broker is out of disk', async () => {
    const server = await rabbitmq();
    await server.setDiskAlarm(true);
    try {
      const { cause } = await doctor(['--bus', server.url]);
      expect(cause?.check, JSON.stringify(cause)).to.equal('confirm');
      expect(`${cause?.text} ${cause?.advice}`).to.match(/disk/);
    } finally {
      await server.setDiskAlarm(false);
    }
  });

  it('says that nobody else is here, which is no failure', async () => {
    const { code, cause } = await doctor(['--bus', roomOf(await prosody()).url, ...SHOP]);
    expect(cause?.check).to.equal('cluster');
    expect(cause?.text).to.match(/nobody else/);
    expect(code).to.equal(0);
  });

  it('says who in the cluster answers, and who does not', async () => {
    const url = roomOf(await prosody()).url;
    const answering = await member(url);
    const hung = new CommandRun(['watch', '--bus', url, '--label', 'hung', ...SHOP]);
    try {
      await hung.until(({ stdout }) => (stdout.includes('member-joined') ? true : undefined));
      await answering.invalidate({ keys: 'a' }, { ack: 1 });
      hung.signal('SIGSTOP');
      const { cause } = await doctor(['--bus', url, ...SHOP]);
      expect(cause?.check, JSON.stringify(cause)).to.equal('cluster');
      expect(cause?.text).to.match(/hung\/\w+ does not answer; node-\d+\/\w+ does/);
    } finally {
      await hung.kill();
      await answering.close();
    }
  });
});
