import { readFile, writeFile } from 'node:fs/promises';
import { joinCluster } from 'unstale';
import { ipcBus } from 'unstale/adapters/ipc';

const cluster = await joinCluster({ name: 'shop', bus: ipcBus({ channel: 'shop' }) });
const articles = cluster.cache('articles', {
  maxEntries: 10_000,
  load: (id) => readFile(`articles/${id}`, 'utf8'),
});

process.stdout.write(await articles.get('42')); // slow the first time, then as fast as lru-cache
await articles.write('42', () => writeFile('articles/42', 'new\n')); // every server drops its copy
process.stdout.write(await articles.get('42')); // new, here and on every other server
await cluster.close();
