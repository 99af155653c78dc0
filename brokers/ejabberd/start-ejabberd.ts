import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess, privateFolder } from '../broker-process.ts';
import { ensureInstalled } from '../ensure-installed.ts';
import { freePort } from '../free-port.ts';
import { kickOccupant } from './kick-occupant.ts';
import { probeXmpp } from '../probe-xmpp.ts';
import type { ServerTls } from '../server-tls.ts';
import type { XmppBroker } from '../xmpp-broker.ts';

export interface EjabberdOptions {
  /** With a certificate the server offers STARTTLS and has a direct TLS port and a wss port. */
  readonly tls?: ServerTls;
  /** Refuses to log in without encryption. Default `false`. */
  readonly requireTls?: boolean;
}

export interface EjabberdBroker extends XmppBroker {
  readonly kind: 'ejabberd';
  /** Runs a command of its administration (as `ejabberdctl` has them) and gives the answer. */
  administer(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
}

const CONFIG = fileURLToPath(new URL('ejabberd.yml', import.meta.url));
const CONTROL_SCRIPT = '/usr/sbin/ejabberdctl';
const START_TIMEOUT_MS = 60_000;
const ADMINISTRATION_TIMEOUT_MS = 15_000;
const DOMAIN = 'localhost';
const MUC_DOMAIN = 'conference.localhost';
const USERNAME = 'unstale';
const PASSWORD = 'unstale-secret';
/** An administrator by ejabberd.yml. */
const ADMIN = { username: 'admin', password: 'admin-secret' };

/** Starts an ejabberd of its own on free ports, in a private folder. */
export async function startEjabberd(options: EjabberdOptions = {}): Promise<EjabberdBroker> {
  await ensureInstalled('ejabberd');
  const ports = {
    c2s: await freePort(),
    c2sTls: await freePort(),
    http: await freePort(),
    https: await freePort(),
  };
  const host = '127.0.0.1';
  const folder = privateFolder('ejabberd');
  const configFile = join(folder, 'ejabberd.yml');
  writeFileSync(configFile, configuration(folder, ports, options));
  const administer = administration(`http://${host}:${ports.http}/api`);
  const server = new BrokerProcess(folder, {
    name: 'ejabberd',
    // Not through ejabberdctl, which changes the user and leaves a port mapper behind.
    command: 'erl',
    args: ['-noinput', '-mnesia', 'dir', `"${join(folder, 'database')}"`, '-s', 'ejabberd'],
    env: {
      ERL_LIBS: erlangLibraries(),
      EJABBERD_CONFIG_PATH: configFile,
      EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
      HOME: folder,
      ERL_CRASH_DUMP_BYTES: '0',
    },
    probe: async () => {
      await probeXmpp({ host, port: ports.c2s, domain: DOMAIN });
      await administer('status', {});
    },
    startTimeoutMs: START_TIMEOUT_MS,
  });
  // The database writes to its disk now and then, so that what was new at a SIGKILL has to be told again.
  const users = new Map([
    [USERNAME, PASSWORD],
    [ADMIN.username, ADMIN.password],
  ]);
  const start = async (): Promise<void> => {
    await server.start();
    for (const [user, password] of users) await register(administer, user, password);
  };
  try {
    await start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  const setAffiliation = async (name: string, user: string, affiliation: string) => {
    const jid = `${user}@${DOMAIN}`;
    await administer('set_room_affiliation', { name, service: MUC_DOMAIN, jid, affiliation });
  };
  return {
    ...server.controls(),
    kind: 'ejabberd',
    name: 'ejabberd',
    host,
    port: ports.c2s,
    tlsPort: ports.c2sTls,
    domain: DOMAIN,
    mucDomain: MUC_DOMAIN,
    username: USERNAME,
    password: PASSWORD,
    websocketUrl: `ws://${host}:${ports.http}/xmpp-websocket`,
    websocketTlsUrl: `wss://localhost:${ports.https}/xmpp-websocket`,
    url: `xmpp://${USERNAME}:${PASSWORD}@${host}:${ports.c2s}/cache@${MUC_DOMAIN}`,
    start,
    async addUser(user, password) {
      users.set(user, password);
      await register(administer, user, password);
    },
    async setPassword(user, newpass) {
      users.set(user, newpass);
      await administer('change_password', { user, host: DOMAIN, newpass });
    },
    async dropSessions(user) {
      await administer('kick_user', { user, host: DOMAIN });
    },
    async kick(room, nick) {
      // There is no command for it, and nobody may kick an owner, which whoever made the room is.
      const occupants = await administer('get_room_occupants', { name: room, service: MUC_DOMAIN });
      await setAffiliation(room, userNamed(nick, occupants), 'none');
      await kickOccupant({
        service: `xmpp://${host}:${ports.c2s}`,
        domain: DOMAIN,
        ...ADMIN,
        room: `${room}@${MUC_DOMAIN}`,
        nick,
      });
    },
    ban: (room, name) => setAffiliation(room, name, 'outcast'),
    allow: (room, name) => setAffiliation(room, name, 'none'),
    async destroyRoom(name) {
      await administer('destroy_room', { name, service: MUC_DOMAIN });
    },
    administer,
  };
}

type Ports = Readonly<Record<'c2s' | 'c2sTls' | 'http' | 'https', number>>;

function configuration(folder: string, ports: Ports, options: EjabberdOptions): string {
  const { tls } = options;
  const macros = {
    INTERFACE: '"127.0.0.1"',
    C2S_PORT: ports.c2s,
    HTTP_PORT: ports.http,
    STARTTLS: tls !== undefined,
    REQUIRE_TLS: options.requireTls === true,
  };
  let text = readFileSync(CONFIG, 'utf8');
  for (const [name, value] of Object.entries(macros)) {
    const definition = new RegExp(`^ {2}${name}: .*$`, 'm');
    if (!definition.test(text)) throw new Error(`ejabberd.yml no longer defines ${name}`);
    text = text.replace(definition, `  ${name}: ${value}`);
  }
  if (tls === undefined) return text;
  // ejabberd wants certificate and key in files that it finds by content.
  const certificates = join(folder, 'certificate.pem');
  writeFileSync(certificates, readFileSync(tls.certFile, 'utf8') + readFileSync(tls.keyFile));
  return `${text}  -
    port: ${ports.c2sTls}
    ip: INTERFACE
    module: ejabberd_c2s
    tls: true
  -
    port: ${ports.https}
    ip: INTERFACE
    module: ejabberd_http
    tls: true
    request_handlers:
      /xmpp-websocket: ejabberd_http_ws

certfiles:
  - ${certificates}
`;
}

/** The package's own start script says where its Erlang libraries are. */
function erlangLibraries(): string {
  const path = /^ERL_LIBS='?([^'\n]+)'?$/m.exec(readFileSync(CONTROL_SCRIPT, 'utf8'))?.[1];
  if (path === undefined) throw new Error(`${CONTROL_SCRIPT} does not say where its libraries are`);
  return path;
}

type Administer = EjabberdBroker['administer'];

async function register(administer: Administer, user: string, password: string): Promise<void> {
  try {
    await administer('register', { user, host: DOMAIN, password });
  } catch {
    // There already; whatever else is wrong, this will say so.
    await administer('change_password', { user, host: DOMAIN, newpass: password });
  }
}

function administration(url: string): Administer {
  return async (command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const response = await fetch(`${url}/${command}`, {
      method: 'POST',
      body: JSON.stringify(args),
      signal: AbortSignal.timeout(ADMINISTRATION_TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`ejabberd refuses ${command}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
}

function userNamed(nick: string, occupants: unknown): string {
  const list: readonly unknown[] = Array.isArray(occupants) ? occupants : [];
  for (const occupant of list) {
    if (typeof occupant !== 'object' || occupant === null) continue;
    if (!('nick' in occupant && 'jid' in occupant) || occupant.nick !== nick) continue;
    return String(occupant.jid).split('@')[0] ?? '';
  }
  throw new Error(`nobody in the room is called ${nick}`);
}
