import type { Socket } from 'node:net';
import stompit from 'stompit';
import { BareCache } from './bare-cache.ts';
import type { Contender, ContenderConfig } from './contender.ts';

type SendOptions = Parameters<InstanceType<typeof stompit.Client>['send']>[1];

/** stompit: a topic, a receipt for every SEND, `ack:auto`, one key a message. */
export async function bareStomp(
  config: Extract<ContenderConfig, { type: 'bare-stomp' }>,
  role: 'publisher' | 'subscriber',
): Promise<Contender> {
  const { host, port, username, password, topic } = config;
  const client = await new Promise<InstanceType<typeof stompit.Client>>((resolve, reject) => {
    const connectHeaders = { host: '/', login: username, passcode: password };
    const socket = stompit.connect({ host, port, connectHeaders }, (error, connected) => {
      if (error) reject(error);
      else resolve(connected);
    });
    void socket;
  });
  (client.getTransportSocket() as Socket).setNoDelay(true);
  const destination = `/topic/${topic}`;
  const cache = new BareCache();
  if (role === 'subscriber') {
    client.subscribe({ destination, ack: 'auto' }, (error, message) => {
      if (error) return;
      message.readString('utf-8', (failure, key) => {
        if (!failure && key !== undefined) cache.drop(key);
      });
    });
  }
  return Object.assign(cache, {
    publish(key: string): Promise<void> {
      return new Promise((resolve) => {
        // Its types ask for `onError`, too, which would be a listener more for every message under way.
        const onReceipt = { onReceipt: resolve } as unknown as SendOptions;
        client.send({ destination }, onReceipt).end(key);
      });
    },
    close(): Promise<void> {
      (client as unknown as { destroy: () => void }).destroy();
      return Promise.resolve();
    },
  });
}
