import { xmppBus, type XmppBusOptions } from '../../../adapters/xmpp/index.ts';
import {
  describeBusEndurance,
  describeInvalidationBus,
  type BrokerPlace,
  type BusFixture,
  type BusPlace,
} from '../../../conformance-tests/index.ts';
import { hostileMessages } from './hostile-messages.ts';
import { Person } from './person.ts';

/** An XMPP server, whoever runs it. */
export interface XmppSite {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly domain: string;
  readonly mucDomain: string;
}

/** Quicker than the defaults, so that a half-open line costs a test less. */
const REQUEST_ACK_INTERVAL_MS = 1_000;
const ACK_TIMEOUT_MS = 3_000;

/** The suite for the XMPP bus on one kind of server. */
export function describeXmpp(name: string, start: () => Promise<XmppSite>): void {
  let started: XmppSite | undefined;
  const site = (): XmppSite => {
    if (started === undefined) throw new Error('the server has not been started');
    return started;
  };
  const bus = ({ host, port, channel, tuning }: BusPlace, options: Partial<XmppBusOptions> = {}) =>
    xmppBus({
      service: `xmpp://${host}:${port}`,
      domain: site().domain,
      room: `${channel}@${site().mucDomain}`,
      username: site().username,
      password: site().password,
      requestAckIntervalMs: REQUEST_ACK_INTERVAL_MS,
      ackTimeoutMs: ACK_TIMEOUT_MS,
      tuning,
      ...options,
    });
  const person = ({ port, channel }: BrokerPlace): Promise<Person> =>
    Person.joins({ ...site(), port, room: `${channel}@${site().mucDomain}` });
  const fixture: BusFixture = {
    broker: async () => (started = await start()),
    createBus: (place) => bus(place),
    wrongSecret: 'not-the-password',
    wrongCredential: (place) => bus(place, { password: 'not-the-password' }),
    async foreign(place, text) {
      const typist = await person(place);
      await typist.types(text);
      await typist.leaves();
    },
    hostile: hostileMessages(person),
    halfOpenWithinMs: REQUEST_ACK_INTERVAL_MS + ACK_TIMEOUT_MS + 6_000,
  };
  describeInvalidationBus(name, fixture);
  describeBusEndurance(name, fixture);
}
