import {
  hasDockerEngine,
  isBrokerInstalled,
  startWithCompose,
  type ActiveMqBroker,
  type BrokerName,
  type EjabberdBroker,
  type ProsodyBroker,
  type RabbitMqBroker,
} from '../../brokers/index.ts';
import { activemq, ejabberd, prosody, rabbitmq } from './brokers.ts';
import { givenServer, type GivenServer } from './given-server.ts';

/** A server for the tests: given by its URL, run by Docker, or started here. */
export interface Server<Launched> {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The broker that was started here and may be broken; `undefined` for a server that is somebody else's. */
  readonly launched?: Launched;
}

export interface XmppServer<Launched = ProsodyBroker> extends Server<Launched> {
  readonly domain: string;
  readonly mucDomain: string;
}

/** The XMPP server: of `UNSTALE_XMPP_URL`, otherwise Prosody. */
export async function xmppServer(): Promise<XmppServer> {
  const given = await found('UNSTALE_XMPP_URL', 'xmpp', 5222, 'prosody');
  return given === undefined ? launched(await prosody()) : withDomains(given);
}

/** ejabberd, as a second XMPP server: of `UNSTALE_EJABBERD_URL`, otherwise started here. */
export async function ejabberdServer(): Promise<XmppServer<EjabberdBroker>> {
  const given = givenServer('UNSTALE_EJABBERD_URL', 'xmpp', 5222);
  return given === undefined ? launched(await ejabberd()) : withDomains(given);
}

/** The room's address ends in the domain of the rooms, which by custom is a subdomain of the server's. */
function withDomains(given: GivenServer): XmppServer<never> {
  const mucDomain = given.channel.slice(given.channel.indexOf('@') + 1);
  return { ...given, mucDomain, domain: mucDomain.slice(mucDomain.indexOf('.') + 1) };
}

/** The STOMP server: of `UNSTALE_STOMP_URL`, otherwise ActiveMQ. */
export async function stompServer(): Promise<Server<ActiveMqBroker>> {
  const given = await found('UNSTALE_STOMP_URL', 'stomp', 61613, 'activemq');
  return given ?? launched(await activemq());
}

/** The AMQP server: of `UNSTALE_AMQP_URL`, otherwise RabbitMQ. */
export async function amqpServer(): Promise<Server<RabbitMqBroker>> {
  const given = await found('UNSTALE_AMQP_URL', 'amqp', 5672, 'rabbitmq');
  return given ?? launched(await rabbitmq());
}

/** RabbitMQ by its STOMP plugin, as a second STOMP server: of `UNSTALE_RABBITMQ_STOMP_URL`, otherwise started here. */
export async function rabbitMqStompServer(): Promise<Server<RabbitMqBroker>> {
  const given = givenServer('UNSTALE_RABBITMQ_STOMP_URL', 'stomp', 61613);
  if (given !== undefined) return given;
  const broker = await rabbitmq();
  const { host, stompPort, username, password } = broker;
  return { host, port: stompPort, username, password, launched: broker };
}

/**
 * The broker behind a server, for a test that breaks it. Where the server is not ours to break, the test is
 * reported pending, with the reason in its title.
 */
export function brokerToBreak<B>(context: Mocha.Context, server: Server<B>): B {
  if (server.launched !== undefined) return server.launched;
  const test = context.test;
  if (test !== undefined) test.title += ' (pending: this server was not started by the tests)';
  return context.skip();
}

async function found(
  variable: string,
  protocol: string,
  defaultPort: number,
  name: BrokerName,
): Promise<GivenServer | undefined> {
  const given = givenServer(variable, protocol, defaultPort);
  if (given !== undefined) return given;
  if ((await isBrokerInstalled(name)) || !(await hasDockerEngine())) return undefined;
  process.env[variable] = await startWithCompose(name);
  return givenServer(variable, protocol, defaultPort);
}

function launched<B extends Server<unknown>>(broker: B): B & { readonly launched: B } {
  return { ...broker, launched: broker };
}
