import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess, privateFolder } from '../broker-process.ts';
import type { Broker } from '../broker.ts';
import { ensureInstalled } from '../ensure-installed.ts';
import { freePort } from '../free-port.ts';
import { probeTcp } from '../probe-tcp.ts';
import { runCommand } from '../run-command.ts';
import type { ServerTls } from '../server-tls.ts';

export interface ActiveMqOptions {
  /** With a certificate the server also has a stomp+ssl port. */
  readonly tls?: ServerTls;
  /** So many messages are kept for a subscriber that does not keep up; older ones are discarded. Default 10,000. */
  readonly pendingMessageLimit?: number;
}

export interface ActiveMqBroker extends Broker {
  readonly kind: 'activemq';
  /** STOMP. */
  readonly port: number;
  /** STOMP over TLS, where the server has a certificate. */
  readonly tlsPort: number;
  /** OpenWire, which Java programs speak. */
  readonly openwirePort: number;
  /** May read topics and not write to them. */
  readonly reader: Account;
  /** May log in, and nothing else. */
  readonly nobody: Account;
}

interface Account {
  readonly username: string;
  readonly password: string;
}

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const SHARED_FILES = ['login.config', 'users.properties', 'groups.properties', 'log4j.properties'];
/** Where Debian's package keeps the program. */
const HOME = '/usr/share/activemq';
/** Without these ActiveMQ cannot tell a STOMP client of its advisories; Debian's package goes without them. */
const LIBRARIES = ['xstream', 'jettison'].map((name) => `/usr/share/java/${name}.jar`);
const START_TIMEOUT_MS = 60_000;
/** As in users.properties. */
const USERNAME = 'unstale';
const PASSWORD = 'unstale-secret';
const READER: Account = { username: 'reader', password: 'reader-secret' };
const NOBODY: Account = { username: 'nobody', password: 'nobody-secret' };
const KEY_STORE_PASSWORD = 'changeit';

/** Starts an ActiveMQ of its own on free ports, in a private folder. */
export async function startActiveMq(options: ActiveMqOptions = {}): Promise<ActiveMqBroker> {
  await ensureInstalled('activemq');
  const ports = {
    stomp: await freePort(),
    stompTls: await freePort(),
    openwire: await freePort(),
  };
  const host = '127.0.0.1';
  const folder = privateFolder('activemq');
  const conf = join(folder, 'conf');
  mkdirSync(conf);
  for (const file of SHARED_FILES) copyFileSync(join(SOURCE, file), join(conf, file));
  linkLibraries(join(folder, 'lib'));
  if (options.tls !== undefined) await writeKeyStores(conf, options.tls);
  writeFileSync(join(conf, 'activemq.xml'), configuration(conf, ports.stompTls, options));
  const server = new BrokerProcess(folder, {
    name: 'ActiveMQ',
    command: 'java',
    args: commandLine(folder, ports),
    probe: () =>
      probeTcp({
        host,
        port: ports.stomp,
        hello: `CONNECT\naccept-version:1.2\nhost:/\nlogin:${USERNAME}\npasscode:${PASSWORD}\n\n\0`,
        expect: /^CONNECTED/,
      }),
    startTimeoutMs: START_TIMEOUT_MS,
  });
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  const users = new Map([[USERNAME, PASSWORD]]);
  return {
    ...server.controls(),
    kind: 'activemq',
    name: 'ActiveMQ',
    host,
    port: ports.stomp,
    tlsPort: ports.stompTls,
    openwirePort: ports.openwire,
    username: USERNAME,
    password: PASSWORD,
    reader: READER,
    nobody: NOBODY,
    url: `stomp://${USERNAME}:${PASSWORD}@${host}:${ports.stomp}/unstale`,
    async addUser(name, password) {
      users.set(name, password);
      writeUsers(conf, users);
    },
    async setPassword(name, password) {
      users.set(name, password);
      writeUsers(conf, users);
    },
  };
}

/** ActiveMQ loads what it finds in `lib` of its base folder. */
function linkLibraries(lib: string): void {
  mkdirSync(lib);
  for (const file of LIBRARIES.filter((library) => existsSync(library))) {
    symlinkSync(file, join(lib, basename(file)));
  }
}

function commandLine(
  folder: string,
  ports: { readonly stomp: number; readonly openwire: number },
): readonly string[] {
  const conf = join(folder, 'conf');
  const properties = {
    'unstale.interface': '127.0.0.1',
    'unstale.stompPort': ports.stomp,
    'unstale.openwirePort': ports.openwire,
    'java.security.auth.login.config': join(conf, 'login.config'),
    'log4j.configuration': `file:${join(conf, 'log4j.properties')}`,
    'java.io.tmpdir': folder,
    'activemq.home': HOME,
    'activemq.base': folder,
    'activemq.conf': conf,
    'activemq.data': join(folder, 'data'),
  };
  return [
    // A short life is spent starting: one fast compiler, one small collector.
    ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData'],
    Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ['-jar', join(HOME, 'bin/activemq.jar'), 'start', `xbean:file:${conf}/activemq.xml`],
  ].flat();
}

function configuration(conf: string, tlsPort: number, options: ActiveMqOptions): string {
  let xml = readFileSync(join(SOURCE, 'activemq.xml'), 'utf8');
  if (options.pendingMessageLimit !== undefined) {
    xml = replaced(xml, 'limit="10000"', `limit="${options.pendingMessageLimit}"`);
  }
  if (options.tls === undefined) return xml;
  const trust =
    options.tls.caFile === undefined
      ? ''
      : `trustStore="file:${conf}/trust.p12" trustStoreType="PKCS12" trustStorePassword="${KEY_STORE_PASSWORD}"`;
  xml = replaced(
    xml,
    '<!-- NATIVE-TLS-CONTEXT -->',
    `<sslContext><sslContext keyStore="file:${conf}/key.p12" keyStoreType="PKCS12"
      keyStorePassword="${KEY_STORE_PASSWORD}" ${trust}/></sslContext>`,
  );
  // Not stomp+nio+ssl: ActiveMQ 5.17 does not answer the first clients that come at once.
  const ask = options.tls.requireClientCertificate === true ? '&amp;needClientAuth=true' : '';
  return replaced(
    xml,
    '<!-- NATIVE-TLS-CONNECTORS -->',
    `<transportConnector name="stomp+ssl"
      uri="stomp+ssl://127.0.0.1:${tlsPort}?transport.hbGracePeriodMultiplier=2&amp;transport.tcpNoDelay=true${ask}"/>`,
  );
}

function replaced(text: string, what: string, by: string): string {
  if (!text.includes(what)) throw new Error(`activemq.xml no longer has ${what}`);
  return text.replace(what, by);
}

/** `users` may read and write; the others stay as they are. */
function writeUsers(conf: string, users: ReadonlyMap<string, string>): void {
  const accounts = [
    ...users,
    ...[READER, NOBODY].map((one) => [one.username, one.password] as const),
  ];
  const lines = accounts.map(([name, password]) => `${name}=${escaped(password)}\n`);
  const names = [...users.keys()].join(',');
  rewrite(join(conf, 'users.properties'), lines.join(''));
  rewrite(
    join(conf, 'groups.properties'),
    `users=${names}\nreaders=${READER.username}\nnobodies=${NOBODY.username}\n`,
  );
}

/** The login module reads a file again when it is newer than the last reading, so it must not look older than it is. */
function rewrite(file: string, text: string): void {
  writeFileSync(file, text);
  const soon = new Date(Date.now() + 1_000);
  utimesSync(file, soon, soon);
}

/** Java reads keys from stores of its own. */
async function writeKeyStores(conf: string, tls: ServerTls): Promise<void> {
  await runCommand(
    'openssl',
    [
      ['pkcs12', '-export', '-in', tls.certFile, '-inkey', tls.keyFile],
      ['-name', 'broker', '-out', join(conf, 'key.p12'), '-passout', `pass:${KEY_STORE_PASSWORD}`],
    ].flat(),
  );
  if (tls.caFile === undefined) return;
  await runCommand(
    'keytool',
    [
      ['-importcert', '-noprompt', '-alias', 'ca', '-file', tls.caFile, '-storetype', 'PKCS12'],
      ['-keystore', join(conf, 'trust.p12'), '-storepass', KEY_STORE_PASSWORD],
    ].flat(),
  );
}

/** For a Java properties file, which is read as Latin-1. */
function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, index) => {
    const unit = text.charCodeAt(index);
    return `\\u${unit.toString(16).padStart(4, '0')}`;
  }).join('');
}
