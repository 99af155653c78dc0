import {
  startActiveMq,
  startEjabberd,
  startProsody,
  startRabbitMq,
  type ActiveMqBroker,
  type Broker,
  type EjabberdBroker,
  type ProsodyBroker,
  type RabbitMqBroker,
} from '../../brokers/index.ts';

/** One broker of a kind for all specs of a mocha process, started when the first of them asks. */
function shared<B extends Broker>(start: () => Promise<B>): () => Promise<B> {
  let broker: Promise<B> | undefined;
  return async () => {
    if (broker === undefined) {
      broker = start();
      started.push(broker);
      broker.catch(() => (broker = undefined));
    }
    return await broker;
  };
}

const started: Promise<Broker>[] = [];

/** Stops everything that was started. */
export async function stopBrokers(): Promise<void> {
  for (const outcome of await Promise.allSettled(started.splice(0))) {
    if (outcome.status === 'fulfilled') await outcome.value.stop();
  }
}

/** The shared Prosody. */
export const prosody: () => Promise<ProsodyBroker> = shared(() => startProsody());

/** The shared RabbitMQ. */
export const rabbitmq: () => Promise<RabbitMqBroker> = shared(() => startRabbitMq());

/** The shared ActiveMQ. */
export const activemq: () => Promise<ActiveMqBroker> = shared(() => startActiveMq());

/** The shared ejabberd. */
export const ejabberd: () => Promise<EjabberdBroker> = shared(() => startEjabberd());
