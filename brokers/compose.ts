import { fileURLToPath } from 'node:url';
import type { BrokerName } from './ensure-installed.ts';
import { runCommand } from './run-command.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Images are downloaded the first time. */
const UP_TIMEOUT_MS = 600_000;

/** The ports and users are those of docker-compose.yml. */
const URLS: Readonly<Partial<Record<BrokerName, string>>> = {
  prosody: 'xmpp://unstale:unstale-secret@127.0.0.1:5222/cache@conference.localhost',
  activemq: 'stomp://unstale:unstale-secret@127.0.0.1:61613/unstale',
  rabbitmq: 'amqp://unstale:unstale-secret@127.0.0.1:5672/?exchange=unstale',
};

/**
 * Has Docker run the broker, and gives its address. It is left running: stop it with `docker compose down`.
 * @throws {Error} if docker-compose.yml has no such broker, or it does not become healthy
 */
export async function startWithCompose(name: BrokerName): Promise<string> {
  const url = URLS[name];
  if (url === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  process.stderr.write(`[brokers] docker compose up --wait ${name}\n`);
  await runCommand('docker', ['compose', 'up', '--detach', '--wait', name], {
    cwd: ROOT,
    timeoutMs: UP_TIMEOUT_MS,
  });
  return url;
}
