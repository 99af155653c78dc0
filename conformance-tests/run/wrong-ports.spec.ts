import { expect } from 'chai';
import { describe, it } from 'mocha';
import { inspect } from 'node:util';

import { amqpBus } from '../../adapters/amqp/index.ts';
import { stompBus } from '../../adapters/stomp/index.ts';
import { xmppBus } from '../../adapters/xmpp/index.ts';
import { BusError, type BusReceiver, type InvalidationBus } from '../../src/index.ts';
import { amqpServer, stompServer, xmppServer } from '../../test/support/servers.ts';

const SERVERS = { XMPP: xmppServer, STOMP: stompServer, AMQP: amqpServer };
type Protocol = keyof typeof SERVERS;
const PROTOCOLS: readonly Protocol[] = ['XMPP', 'STOMP', 'AMQP'];
const BROKER_START_MS = 180_000;
/** Whoever answers with nothing at all is given up on after this. */
const ATTACH_TIMEOUT_MS = 3_000;
const PASSWORD = 'a password that must not show up';

const deaf: BusReceiver = {
  onFrame: () => undefined,
  onForeign: () => undefined,
  onContinuity: () => undefined,
};

const BUSES: Readonly<Record<Protocol, (host: string, port: number) => InvalidationBus>> = {
  XMPP: (host, port) =>
    xmppBus({
      service: `xmpp://${host}:${port}`,
      room: 'wrong-ports@conference.localhost',
      username: 'unstale',
      password: PASSWORD,
      tuning: { attachTimeoutMs: ATTACH_TIMEOUT_MS },
    }),
  STOMP: (host, port) =>
    stompBus({
      host,
      port,
      topic: 'wrong-ports',
      username: 'unstale',
      password: PASSWORD,
      tuning: { attachTimeoutMs: ATTACH_TIMEOUT_MS },
    }),
  AMQP: (host, port) =>
    amqpBus({
      host,
      port,
      exchange: 'wrong-ports',
      username: 'unstale',
      password: PASSWORD,
      tuning: { attachTimeoutMs: ATTACH_TIMEOUT_MS },
    }),
};

describe('a bus that dials the port of another protocol', () => {
  for (const bus of PROTOCOLS) {
    for (const port of PROTOCOLS) {
      // On its own port only the password is wrong, which is how the ninth of the pairs can be told from the others.
      const code = bus === port ? 'BUS_ACCESS_DENIED' : 'BUS_UNREACHABLE or BUS_MISCONFIGURED';
      it(`${bus} on the ${port} port: \`open\` rejects with ${code}`, async function refuses() {
        this.timeout(BROKER_START_MS);
        const server = await SERVERS[port]();
        await using dialled = BUSES[bus](server.host, server.port);
        const error: unknown = await dialled.open(deaf).catch((reason: unknown) => reason);
        if (!(error instanceof BusError))
          throw new Error('not refused by a BusError', { cause: error });
        expect(code).to.include(error.code);
        expect(dialled.state).to.equal('closed');
        expect(inspect(error, { depth: 12, showHidden: true })).not.to.include(PASSWORD);
      });
    }
  }
});
