import { Redis } from 'ioredis';
import { after } from 'mocha';
import {
  describeBusEndurance,
  describeInvalidationBus,
  type BusFixture,
} from 'unstale/conformance';
import { redisBus } from './redis-bus.ts';
import { startRedis, type RedisServer } from './start-redis.ts';

const password = 'a password of this test';
let server: RedisServer | undefined;
after(async () => {
  await server?.stop();
});

const fixture: BusFixture = {
  broker: async () => (server = await startRedis({ password })),
  createBus: (place) => redisBus({ ...place, password, pingEveryMs: 500 }),
  wrongCredential: (place) => redisBus({ ...place, password: 'a wrong one' }),
  wrongSecret: 'a wrong one',
  foreign: async ({ host, port, channel }, text) => {
    const person = new Redis({ host, port, password });
    await person.publish(channel, text);
    person.disconnect();
  },
  halfOpenWithinMs: 2_000,
};

describeInvalidationBus('redis (example)', fixture);
describeBusEndurance('redis (example)', fixture);
