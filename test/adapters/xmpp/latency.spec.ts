import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startProsody, type ProsodyBroker } from '../../../brokers/index.ts';
import { makeCertificates, type Certificates } from '../../support/certificates.ts';
import { Members, type Member } from './members.ts';

/** With Nagle's algorithm a stanza waits for the acknowledgement of the one before it: 25 to 50 ms in the middle. */
const MAX_MEDIAN_MS = 20;

describe('XMPP: latency', () => {
  let made: Promise<Certificates> | undefined;
  let broker: Promise<ProsodyBroker> | undefined;
  const start = (): Promise<ProsodyBroker> =>
    (broker ??= (made ??= makeCertificates()).then(({ server }) => startProsody({ tls: server })));
  const members = Members.at(start);
  after(async () => {
    await (await broker)?.stop();
    (await made)?.remove();
  });

  const ways: Readonly<Record<string, (server: ProsodyBroker) => string>> = {
    STARTTLS: ({ port }) => `xmpp://127.0.0.1:${port}`,
    'direct TLS': ({ tlsPort }) => `xmpps://127.0.0.1:${tlsPort}`,
    WebSocket: ({ websocketUrl }) => websocketUrl,
  };
  for (const [way, serviceOf] of Object.entries(ways)) {
    it(`${way}: a stanza does not wait for the acknowledgement of the one before it`, async () => {
      const service = serviceOf(await start());
      const ca = readFileSync((await makeCertificatesOnce()).ca.certFile);
      const encrypted = way === 'WebSocket' ? {} : { tls: { ca } };
      const options = { service, ...encrypted };
      const room = members.newRoom();
      const [member] = await Promise.all([
        members.joins(room, options),
        members.joins(room, options),
        members.joins(room, options),
      ]);
      expect(await medianMs(member)).to.be.lessThan(MAX_MEDIAN_MS);
    });
  }

  async function makeCertificatesOnce(): Promise<Certificates> {
    return await (made ??= makeCertificates());
  }
});

async function medianMs({ bus }: Member): Promise<number> {
  const waits: number[] = [];
  for (let round = 0; round < 60; round += 1) {
    const startedMs = performance.now();
    await bus.publish(`round ${round}`);
    waits.push(performance.now() - startedMs);
    // As it comes in a real cluster: one now and then.
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  return waits.toSorted((a, b) => a - b)[30] ?? Number.NaN;
}
