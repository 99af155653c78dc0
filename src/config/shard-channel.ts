import type { BusConfig } from './bus-config.ts';

/**
 * The same bus on the channel of a shard: the name that is configured for the first, and with `-1`, `-2`, … behind it
 * for the others. So nodes of whatever number of shards share the first channel.
 */
export function onShard(config: BusConfig, index: number): BusConfig {
  if (index === 0) return config;
  const end = `-${index}`;
  switch (config.transport) {
    case 'memory':
    case 'ipc':
      return { ...config, channel: `${config.channel}${end}` };
    case 'xmpp': {
      const at = config.room.lastIndexOf('@');
      return { ...config, room: `${config.room.slice(0, at)}${end}${config.room.slice(at)}` };
    }
    case 'stomp':
      return { ...config, topic: `${config.topic}${end}` };
    case 'amqp':
      return { ...config, exchange: `${config.exchange}${end}` };
  }
}

/** What a bus of this configuration shares with others. */
export function channelOf(config: BusConfig): string {
  switch (config.transport) {
    case 'memory':
    case 'ipc':
      return config.channel;
    case 'xmpp':
      return config.room;
    case 'stomp':
      return config.topic;
    case 'amqp':
      return config.exchange;
  }
}
