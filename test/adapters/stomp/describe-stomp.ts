import { stompBus, type StompBusOptions } from '../../../adapters/stomp/index.ts';
import { destinationFor } from '../../../adapters/stomp/destination.ts';
import {
  describeBusEndurance,
  describeInvalidationBus,
  type BusFixture,
  type BusPlace,
} from '../../../conformance-tests/index.ts';
import type { Server } from '../../support/servers.ts';
import { hostileMessages } from './hostile-messages.ts';
import { Producer } from './producer.ts';

/** Quicker than the default, so that a half-open line costs a test less. */
const HEARTBEAT_MS = 1_000;

/** The suite for the STOMP bus on one kind of server. */
export function describeStomp(name: string, start: () => Promise<Server<unknown>>): void {
  let server: Server<unknown> | undefined;
  const account = (): Pick<StompBusOptions, 'username' | 'password'> => {
    if (server === undefined) throw new Error('the broker has not been started');
    const { username, password } = server;
    return { username, password };
  };
  const bus = ({ host, port, channel, tuning }: BusPlace, options: Partial<StompBusOptions> = {}) =>
    stompBus({
      host,
      port,
      topic: channel,
      ...account(),
      heartbeatMs: HEARTBEAT_MS,
      tuning,
      ...options,
    });
  const fixture: BusFixture = {
    broker: async () => (server = await start()),
    createBus: (place) => bus(place),
    wrongSecret: 'not-the-password',
    wrongCredential: (place) => bus(place, { password: 'not-the-password' }),
    async foreign({ host, port, channel }, text) {
      const destination = destinationFor(channel);
      const producer = await Producer.at({ host, port, ...account(), destination });
      await producer.sendText(text);
      await producer.leave();
    },
    hostile: hostileMessages(account),
    halfOpenWithinMs: HEARTBEAT_MS * 2 + 3_000,
  };
  describeInvalidationBus(name, fixture);
  describeBusEndurance(name, fixture);
}
