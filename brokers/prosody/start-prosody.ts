import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess, privateFolder } from '../broker-process.ts';
import { freePort } from '../free-port.ts';
import { ensureInstalled } from '../ensure-installed.ts';
import { runCommand } from '../run-command.ts';
import type { ServerTls } from '../server-tls.ts';
import type { XmppBroker } from '../xmpp-broker.ts';
import { probeXmpp } from '../probe-xmpp.ts';

export interface ProsodyOptions {
  /** A new room stays locked until its owner has configured it. Default `false`. */
  readonly roomLocking?: boolean;
  /** What a client may send, in the words of mod_limits: `10kb/s`. Default: no limit. */
  readonly limitRate?: string;
  /** How many messages a room tells to those who join. Default 0. */
  readonly historyMessages?: number;
  /** How long the place of a client that was cut off is kept, in ms. Default 60,000. */
  readonly hibernationMs?: number;
  /** With a certificate the server offers STARTTLS and has a direct TLS port and a wss port. */
  readonly tls?: ServerTls;
  /** Refuses to log in without encryption. Default `false`. */
  readonly requireTls?: boolean;
}

export interface ProsodyBroker extends XmppBroker {
  readonly kind: 'prosody';
  /** Evaluates Lua in the server, with `room` being the room, and gives what the shell printed. */
  runInRoom(room: string, lua: string): Promise<string>;
}

const CONFIG = fileURLToPath(new URL('prosody.cfg.lua', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const DOMAIN = 'localhost';
const MUC_DOMAIN = 'conference.localhost';
const USERNAME = 'unstale';
const PASSWORD = 'unstale-secret';

/** Starts a Prosody of its own on free ports, in a private folder. */
export async function startProsody(options: ProsodyOptions = {}): Promise<ProsodyBroker> {
  await ensureInstalled('prosody');
  const ports = {
    c2s: await freePort(),
    c2sTls: await freePort(),
    http: await freePort(),
    https: await freePort(),
  };
  const folder = privateFolder('prosody');
  const env = environment(folder, ports, options);
  mkdirSync(env.UNSTALE_DATA);
  mkdirSync(env.UNSTALE_CERTIFICATES);
  const host = '127.0.0.1';
  const server = new BrokerProcess(folder, {
    name: 'Prosody',
    command: 'prosody',
    args: ['-F', '--config', CONFIG],
    env,
    probe: () => probeXmpp({ host, port: ports.c2s, domain: DOMAIN }),
    startTimeoutMs: START_TIMEOUT_MS,
  });
  const control = (...args: string[]): Promise<string> =>
    runCommand('prosodyctl', ['--config', CONFIG, ...args], { env, cwd: folder });
  const shell = (lua: string): Promise<string> => control('shell', '--quiet', lua);
  const addUser = async (name: string, password: string): Promise<void> => {
    await control('register', name, DOMAIN, password);
  };
  const runInRoom = (room: string, lua: string): Promise<string> =>
    shell(
      `> do local muc = prosody.hosts["${MUC_DOMAIN}"].modules.muc;
      local room = assert(muc.get_room_from_jid(${quoted(`${room}@${MUC_DOMAIN}`)}), "no such room");
      ${lua} end`.replaceAll('\n', ' '),
    );
  try {
    await addUser(USERNAME, PASSWORD);
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    ...server.controls(),
    kind: 'prosody',
    name: 'Prosody',
    host,
    port: ports.c2s,
    tlsPort: ports.c2sTls,
    domain: DOMAIN,
    mucDomain: MUC_DOMAIN,
    username: USERNAME,
    password: PASSWORD,
    websocketUrl: `ws://127.0.0.1:${ports.http}/xmpp-websocket`,
    websocketTlsUrl: `wss://localhost:${ports.https}/xmpp-websocket`,
    url: `xmpp://${USERNAME}:${PASSWORD}@${host}:${ports.c2s}/cache@${MUC_DOMAIN}`,
    addUser,
    async setPassword(name, password) {
      await shell(`user:password(${quoted(`${name}@${DOMAIN}`)}, ${quoted(password)})`);
    },
    async dropSessions(name) {
      await shell(`c2s:close(${quoted(`${name}@${DOMAIN}`)})`);
    },
    async kick(room, nick) {
      const who = quoted(`${room}@${MUC_DOMAIN}/${nick}`);
      await runInRoom(room, `assert(room:set_role(true, ${who}, nil, "kicked by the test"))`);
    },
    async ban(room, name) {
      const who = quoted(`${name}@${DOMAIN}`);
      await runInRoom(room, `assert(room:set_affiliation(true, ${who}, "outcast", "banned"))`);
    },
    async allow(room, name) {
      const who = quoted(`${name}@${DOMAIN}`);
      await runInRoom(room, `assert(room:set_affiliation(true, ${who}, "none"))`);
    },
    async destroyRoom(room) {
      await runInRoom(room, 'room:destroy(nil, "destroyed by the test")');
    },
    runInRoom,
  };
}

type Ports = Readonly<Record<'c2s' | 'c2sTls' | 'http' | 'https', number>>;

function environment(folder: string, ports: Ports, options: ProsodyOptions) {
  const tls = options.tls;
  return {
    UNSTALE_DATA: join(folder, 'data'),
    UNSTALE_CERTIFICATES: join(folder, 'certificates'),
    UNSTALE_INTERFACE: '127.0.0.1',
    UNSTALE_C2S_PORT: String(ports.c2s),
    UNSTALE_C2S_TLS_PORT: String(ports.c2sTls),
    UNSTALE_HTTP_PORT: String(ports.http),
    UNSTALE_HTTPS_PORT: String(ports.https),
    UNSTALE_RUN_AS_ROOT: process.getuid?.() === 0 ? 'yes' : 'no',
    UNSTALE_HIBERNATION_S: String((options.hibernationMs ?? 60_000) / 1000),
    UNSTALE_HISTORY: String(options.historyMessages ?? 0),
    UNSTALE_ROOM_LOCKING: options.roomLocking === true ? 'yes' : 'no',
    UNSTALE_REQUIRE_TLS: options.requireTls === true ? 'yes' : 'no',
    ...(options.limitRate === undefined ? {} : { UNSTALE_LIMIT_RATE: options.limitRate }),
    ...(tls === undefined ? {} : { UNSTALE_TLS_CERT: tls.certFile, UNSTALE_TLS_KEY: tls.keyFile }),
  };
}

/** A Lua string literal. */
function quoted(text: string): string {
  const escaped = text.replaceAll(/[^A-Za-z0-9@./_-]/g, (character) =>
    Array.from(Buffer.from(character), (byte) => `\\${String(byte).padStart(3, '0')}`).join(''),
  );
  return `"${escaped}"`;
}
