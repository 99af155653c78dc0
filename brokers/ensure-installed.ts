import { isInstalled } from './run-command.ts';

export type BrokerName = 'prosody' | 'rabbitmq' | 'activemq' | 'ejabberd';

/** Makes sure that the broker's program is there. */
export async function ensureInstalled(name: BrokerName): Promise<void> {
  const command = {
    prosody: 'prosody',
    rabbitmq: 'rabbitmq-server',
    activemq: 'activemq',
    ejabberd: 'ejabberdctl',
  }[name];
  if (!(await isInstalled(command))) throw new Error(`${name} is not installed`);
}
