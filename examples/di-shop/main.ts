import { once } from 'node:events';
import { loadConfiguration } from 'unstale/config';
import { startUnstale } from 'unstale/inversify';
import { shopContainer } from './shop-container.ts';
import { listen } from './shop-server.ts';

const [, , folder = 'articles', port = '0'] = process.argv;

const { configuration } = await loadConfiguration({
  // UNSTALE_CONFIG may name another one; UNSTALE_TRANSPORT=amqp alone changes the bus.
  file: process.env['UNSTALE_CONFIG'] ?? new URL('unstale.yaml', import.meta.url).pathname,
});
const container = shopContainer(configuration, folder);
await startUnstale(container, { untilReady: true });
const server = await listen(container, Number(port));
process.stdout.write(`listening on ${server.url}\n`);

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await server[Symbol.asyncDispose]();
// Leaves the cluster, so that nobody waits for this node.
await container.unbindAllAsync();
