import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

const PACKAGES = ['@xmpp/client', 'stompit', 'amqplib', 'ioredis', 'lru-cache'];
const SERVERS = ['prosody', 'activemq', 'rabbitmq-server', 'redis-server'];

/** The versions of what takes part, `more` packages included; of a server what Debian says of its package. */
export function versionsOf(more: readonly string[] = []): Readonly<Record<string, string>> {
  const versions: Record<string, string> = { unstale: packageVersion('../../package.json') };
  for (const name of [...PACKAGES, ...more]) {
    versions[name] = packageVersion(`../../node_modules/${name}/package.json`);
  }
  for (const name of SERVERS) {
    const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', name]);
    versions[name] = stdout.toString() || 'unknown';
  }
  return versions;
}

function packageVersion(path: string): string {
  const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
