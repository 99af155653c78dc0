import { startActiveMq, startProsody, startRabbitMq } from '../../brokers/index.ts';
import { processorSecondsOf } from '../../brokers/processor-time.ts';
import { startRedis } from '../../examples/redis-adapter/start-redis.ts';
import type { ContenderConfig } from './contender.ts';
import { keptAlive } from './kept-alive.ts';

/** Where contenders meet. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export type CourseName = 'xmpp' | 'stomp' | 'amqp';
export const COURSES: readonly CourseName[] = ['xmpp', 'stomp', 'amqp'];

/** One broker, and the two who compete on it: `unstale`, and the client library that its adapter stands on. */
export interface Course extends AsyncDisposable {
  readonly title: string;
  readonly bareTitle: string;
  readonly address: Address;
  /** Processor time that the broker has used so far, in seconds; not a number where the system does not say. */
  brokerSeconds(): number;
  /** `through`: another address that leads to the same broker. */
  unstale(nodes: number, through?: Address): ContenderConfig;
  bare(through?: Address): ContenderConfig;
}

export interface RedisCourse extends AsyncDisposable {
  brokerSeconds(): number;
  readonly contender: Extract<ContenderConfig, { type: 'ioredis' }>;
}

export async function startCourse(name: CourseName): Promise<Course> {
  switch (name) {
    case 'xmpp':
      return await prosody();
    case 'stomp':
      return await activeMq();
    case 'amqp':
      return await rabbitMq();
  }
}

export async function startRedisCourse(): Promise<RedisCourse> {
  const password = 'bench-secret';
  const { host, port, pid, stop } = await startRedis({ password });
  return {
    brokerSeconds: () => processorSecondsOf(pid) ?? Number.NaN,
    contender: { type: 'ioredis', host, port, username: '', password, channel: 'bench' },
    [Symbol.asyncDispose]: () => keptAlive(stop),
  };
}

async function prosody(): Promise<Course> {
  const broker = await startProsody();
  const { host, port, domain, mucDomain, username, password } = broker;
  return {
    title: 'unstale, XMPP on Prosody',
    bareTitle: '@xmpp/client, on the same',
    address: { host, port },
    unstale: (nodes, at = { host, port }) => ({
      type: 'unstale',
      nodes,
      bus: {
        transport: 'xmpp',
        service: `xmpp://${at.host}:${at.port}`,
        domain,
        room: `bench@${mucDomain}`,
        username,
        password,
      },
    }),
    bare: (at = { host, port }) => {
      const room = `bare@${mucDomain}`;
      return { type: 'bare-xmpp', ...at, domain, room, username, password };
    },
    brokerSeconds: () => broker.processorSeconds() ?? Number.NaN,
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

async function activeMq(): Promise<Course> {
  const broker = await startActiveMq();
  const { host, port, username, password } = broker;
  return {
    title: 'unstale, STOMP on ActiveMQ',
    bareTitle: 'stompit, on the same',
    address: { host, port },
    unstale: (nodes, at = { host, port }) => ({
      type: 'unstale',
      nodes,
      bus: { transport: 'stomp', ...at, username, password, topic: 'bench' },
    }),
    bare: (at = { host, port }) => ({
      type: 'bare-stomp',
      ...at,
      username,
      password,
      topic: 'bare',
    }),
    brokerSeconds: () => broker.processorSeconds() ?? Number.NaN,
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

async function rabbitMq(): Promise<Course> {
  const broker = await startRabbitMq();
  const { host, port, username, password } = broker;
  return {
    title: 'unstale, AMQP on RabbitMQ',
    bareTitle: 'amqplib, on the same',
    address: { host, port },
    unstale: (nodes, at = { host, port }) => ({
      type: 'unstale',
      nodes,
      bus: { transport: 'amqp', ...at, username, password, exchange: 'bench' },
    }),
    bare: (at = { host, port }) => ({
      type: 'bare-amqp',
      ...at,
      username,
      password,
      exchange: 'bare',
    }),
    brokerSeconds: () => broker.processorSeconds() ?? Number.NaN,
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}
