export type { Broker } from './broker.ts';
export { startProsody, type ProsodyBroker, type ProsodyOptions } from './prosody/start-prosody.ts';
export type { ServerTls } from './server-tls.ts';
export type { XmppBroker } from './xmpp-broker.ts';
export {
  startRabbitMq,
  type RabbitMqBroker,
  type RabbitMqOptions,
} from './rabbitmq/start-rabbitmq.ts';
export {
  startActiveMq,
  type ActiveMqBroker,
  type ActiveMqOptions,
} from './activemq/start-activemq.ts';
export {
  startEjabberd,
  type EjabberdBroker,
  type EjabberdOptions,
} from './ejabberd/start-ejabberd.ts';
export { hasDockerEngine, isBrokerInstalled, type BrokerName } from './ensure-installed.ts';
export { startWithCompose } from './compose.ts';
