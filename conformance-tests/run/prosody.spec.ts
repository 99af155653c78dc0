import { xmppBus, type XmppBusOptions } from '../../adapters/xmpp/index.ts';
import { Person } from '../../test/adapters/xmpp/person.ts';
import { prosody } from '../../test/support/brokers.ts';
import { describeInvalidationBus, type BusPlace } from '../index.ts';

/** Quicker than the defaults, so that a half-open line costs a test less. */
const REQUEST_ACK_INTERVAL_MS = 1_000;
const ACK_TIMEOUT_MS = 3_000;
const MUC_DOMAIN = 'conference.localhost';
const USERNAME = 'unstale';
const PASSWORD = 'unstale-secret';

describeInvalidationBus('XMPP on Prosody', {
  broker: prosody,
  createBus: (place) => bus(place, {}),
  wrongSecret: 'not-the-password',
  wrongCredential: (place) => bus(place, { password: 'not-the-password' }),
  async foreign({ port, channel }, text) {
    const person = await Person.joins({
      port,
      domain: 'localhost',
      username: USERNAME,
      password: PASSWORD,
      room: `${channel}@${MUC_DOMAIN}`,
    });
    await person.types(text);
    await person.leaves();
  },
  halfOpenWithinMs: REQUEST_ACK_INTERVAL_MS + ACK_TIMEOUT_MS + 6_000,
});

function bus({ host, port, channel, tuning }: BusPlace, options: Partial<XmppBusOptions>) {
  return xmppBus({
    service: `xmpp://${host}:${port}`,
    room: `${channel}@${MUC_DOMAIN}`,
    username: USERNAME,
    password: PASSWORD,
    requestAckIntervalMs: REQUEST_ACK_INTERVAL_MS,
    ackTimeoutMs: ACK_TIMEOUT_MS,
    tuning,
    ...options,
  });
}
