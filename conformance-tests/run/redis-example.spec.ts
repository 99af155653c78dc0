import { before } from 'mocha';
import { ensureInstalled } from '../../brokers/ensure-installed.ts';
// oxlint-disable-next-line import/no-unassigned-import -- a spec says what it has to say by being loaded
import '../../examples/redis-adapter/redis-bus.spec.ts';

const INSTALL_TIMEOUT_MS = 600_000;

before(async function installRedis() {
  this.timeout(INSTALL_TIMEOUT_MS);
  await ensureInstalled('redis');
});
