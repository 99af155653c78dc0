import { expect } from 'chai';
import { onTelemetry } from '../../src/index.ts';
import { Person } from '../adapters/xmpp/person.ts';
import { brokerToBreak, xmppServer, type XmppServer } from '../support/servers.ts';
import { Scene } from './scene.ts';
import { xmppSite } from './sites.ts';

/** A server may have to be installed first. */
const SERVER_START_MS = 180_000;
const TEST_MS = 60_000;

describe('a message of a person that only one node has heard (FOR-3)', () => {
  before(async function startServer() {
    this.timeout(SERVER_START_MS);
    await xmppServer();
  });

  it('is adopted by that node, although it is cut off at once, and repaired at the others', async function () {
    this.timeout(TEST_MS);
    this.slow(TEST_MS);
    const server = await xmppServer();
    // Otherwise it keeps what was said for those who are away.
    brokerToBreak(this, server);
    await using scene = new Scene(xmppSite(), { maxStalenessMs: 60_000 });
    const [witness, ...others] = await scene.joined('witness', 'b', 'c');
    for (const station of [witness, ...others]) await station.caches(['thing', 'unrelated']);

    for (const station of others) {
      station.line.sever();
      await station.hears('interrupted', 0);
      await station.line.forget?.();
    }
    const stopWatching = onTelemetry('unstale:applied', ({ node, cause }) => {
      if (node === witness.cluster.origin && cause.by === 'foreign') witness.line.sever();
    });
    scene.truth.commit('thing');
    try {
      await somebodyTypes('thing', scene.channel, server);
      await witness.hears('interrupted', 0);
    } finally {
      stopWatching();
    }
    for (const station of others) expect(station.old(['thing'])).to.deep.equal(['thing']);

    witness.line.heal();
    await witness.until('has adopted the message, and the broker has accepted that', () => {
      const { counters, unsent } = witness.cluster.status();
      return counters.adopted === 1 && unsent === 0;
    });
    for (const station of others) station.line.heal();
    for (const station of others) {
      await station.until('serves no old value', () => station.old(['thing']).length === 0);
      expect(await station.cache.get('thing')).to.equal(1);
      expect(station.cache.peek('unrelated'), 'a key that nobody named').to.equal(0);
      const { counters } = station.cluster.status();
      const { foreignApplied, adopted, fenced } = counters;
      expect({ foreignApplied, adopted, fenced }).to.deep.equal({
        foreignApplied: 0,
        adopted: 0,
        fenced: 0,
      });
    }
    // One asks, and the repair is heard by the other as well, perhaps before it has missed anything.
    const repaired = others.map(({ cluster }) => cluster.status().counters.repaired);
    expect(Math.max(...repaired), 'repaired').to.be.above(0);
  });
});

async function somebodyTypes(text: string, channel: string, server: XmppServer): Promise<void> {
  const { port, domain, username, password, mucDomain } = server;
  const room = `${channel}@${mucDomain}`;
  const person = await Person.joins({ port, domain, username, password, room });
  try {
    await person.types(text);
  } finally {
    await person.leaves();
  }
}
