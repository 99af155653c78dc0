import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess, privateFolder } from '../broker-process.ts';
import type { Broker } from '../broker.ts';
import { ensureInstalled } from '../ensure-installed.ts';
import { freePort } from '../free-port.ts';
import { probeTcp } from '../probe-tcp.ts';
import { runCommand } from '../run-command.ts';
import type { ServerTls } from '../server-tls.ts';
import { rabbitMqAdministration, type RabbitMqAdministration } from './rabbitmq-administration.ts';

export interface RabbitMqOptions {
  /** With a certificate the server also has amqps and stomp+ssl ports. */
  readonly tls?: ServerTls;
}

export interface RabbitMqBroker extends Broker, RabbitMqAdministration {
  readonly kind: 'rabbitmq';
  /** AMQP 0-9-1. */
  readonly port: number;
  /** AMQP 0-9-1 over TLS, where the server has a certificate. */
  readonly tlsPort: number;
  readonly stompPort: number;
  readonly stompTlsPort: number;
  /** Its STOMP plugin, as `unstale` takes it. */
  readonly stompUrl: string;
}

const CONFIG = fileURLToPath(new URL('rabbitmq.conf', import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL('rabbitmq-env.conf', import.meta.url));
const PLUGINS = fileURLToPath(new URL('enabled_plugins', import.meta.url));
/** The commands on the PATH change user and folder; these do not. */
const COMMANDS = '/usr/lib/rabbitmq/bin';
const START_TIMEOUT_MS = 90_000;
/** The user that rabbitmq.conf creates. */
const USERNAME = 'unstale';
const PASSWORD = 'unstale-secret';

/** Starts a RabbitMQ of its own, with the STOMP plugin, on free ports, in a private folder. */
export async function startRabbitMq(options: RabbitMqOptions = {}): Promise<RabbitMqBroker> {
  await ensureInstalled('rabbitmq');
  const ports = {
    amqp: await freePort(),
    amqpTls: await freePort(),
    stomp: await freePort(),
    stompTls: await freePort(),
    distribution: await freePort(),
    epmd: await freePort(),
  };
  const host = '127.0.0.1';
  const folder = privateFolder('rabbitmq');
  const env = environment(folder, ports);
  writeConfiguration(env.RABBITMQ_CONFIG_FILES, ports, options.tls);
  const server = new BrokerProcess(folder, {
    name: 'RabbitMQ',
    command: 'sh',
    // A port mapper of its own, in the same process group: the shared one would be left behind as a daemon.
    args: [
      '-c',
      `epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & exec ${COMMANDS}/rabbitmq-server`,
    ],
    env,
    probe: async () => {
      // The STOMP plugin logs in to the broker itself, so that its answer speaks for both.
      await probeTcp({
        host,
        port: ports.stomp,
        hello: `CONNECT\naccept-version:1.2\nhost:/\nlogin:${USERNAME}\npasscode:${PASSWORD}\n\n\0`,
        expect: /^CONNECTED/,
      });
      await probeTcp({ host, port: ports.amqp, hello: 'AMQP\0\0\x09\x01', expect: /AMQPLAIN/ });
    },
    startTimeoutMs: START_TIMEOUT_MS,
  });
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  const administration = rabbitMqAdministration((...args) =>
    runCommand(`${COMMANDS}/rabbitmqctl`, args, { env, cwd: folder }),
  );
  return {
    ...administration,
    ...server.controls(),
    kind: 'rabbitmq',
    name: 'RabbitMQ',
    host,
    port: ports.amqp,
    tlsPort: ports.amqpTls,
    stompPort: ports.stomp,
    stompTlsPort: ports.stompTls,
    username: USERNAME,
    password: PASSWORD,
    url: `amqp://${USERNAME}:${PASSWORD}@${host}:${ports.amqp}/?exchange=unstale`,
    stompUrl: `stomp://${USERNAME}:${PASSWORD}@${host}:${ports.stomp}/unstale`,
  };
}

type Ports = Readonly<
  Record<'amqp' | 'amqpTls' | 'stomp' | 'stompTls' | 'distribution' | 'epmd', number>
>;

function environment(folder: string, ports: Ports) {
  return {
    // Where the Erlang cookie is.
    HOME: folder,
    RABBITMQ_CONF_ENV_FILE: ENVIRONMENT,
    RABBITMQ_NODENAME: `unstale-${ports.amqp}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'logs'),
    RABBITMQ_CONFIG_FILES: join(folder, 'conf.d'),
    RABBITMQ_ENABLED_PLUGINS_FILE: PLUGINS,
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(ports.epmd),
  };
}

function writeConfiguration(folder: string, ports: Ports, tls: ServerTls | undefined): void {
  mkdirSync(folder);
  copyFileSync(CONFIG, join(folder, '10-shared.conf'));
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    `stomp.listeners.tcp.1 = 127.0.0.1:${ports.stomp}`,
  ];
  if (tls !== undefined) {
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${ports.amqpTls}`,
      `stomp.listeners.ssl.1 = 127.0.0.1:${ports.stompTls}`,
      `ssl_options.certfile = ${tls.certFile}`,
      `ssl_options.keyfile = ${tls.keyFile}`,
      `ssl_options.verify = ${tls.caFile === undefined ? 'verify_none' : 'verify_peer'}`,
      `ssl_options.fail_if_no_peer_cert = ${tls.requireClientCertificate === true}`,
    );
    if (tls.caFile !== undefined) lines.push(`ssl_options.cacertfile = ${tls.caFile}`);
  }
  writeFileSync(join(folder, '20-native.conf'), `${lines.join('\n')}\n`);
}
