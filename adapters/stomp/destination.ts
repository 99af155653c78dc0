import { createHash } from 'node:crypto';

/** Names that every broker takes as they are: no wildcard, no list, no option, no percent-encoding. */
const PLAIN = /^(?=.{1,200}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * The destination of a channel: the same name where a broker takes it as it is, otherwise one made from its hash.
 * In ActiveMQ `*`, `>`, `,` and `?` mean something in a name, in RabbitMQ `*`, `#`, `/` and `%`; names that begin with
 * `ActiveMQ.` are ActiveMQ's own.
 */
export function destinationFor(channel: string): string {
  if (PLAIN.test(channel) && !channel.startsWith('ActiveMQ.')) return `/topic/${channel}`;
  const hash = createHash('sha256').update(JSON.stringify(channel)).digest('hex');
  return `/topic/unstale.${hash.slice(0, 32)}`;
}
