import type { BusConfig } from '../../config/bus-config.ts';
import { ok, warning, type Finding } from './finding.ts';
import { probeFrame, type Probe } from './probe.ts';
import { deadline } from '../deadline.ts';

/** Fewer occupants than this are soon reached by a cluster that grows. */
const FEW_OCCUPANTS = 50;

/** The settings of the room, topic or exchange, as far as the broker tells them to its users. */
export async function* checkChannel(
  config: BusConfig,
  { probe, withinMs }: { readonly probe: Probe; readonly withinMs: number },
  signal: AbortSignal,
): AsyncIterable<Finding> {
  if (config.transport === 'amqp') {
    const { prefetch = 500, maxQueueLength = 10_000 } = config;
    yield ok(
      'queue',
      `at most ${maxQueueLength} messages wait for a slow node, ${prefetch} are handed out ahead (as configured; a policy of the broker may allow less: rabbitmqctl list_policies)`,
    );
  }
  if (config.transport !== 'xmpp') return;
  // A room keeps what people can read, so there must be something of that kind to see whether it does.
  const summary = 'unstale doctor has a look at this room';
  await probe.bus.publish(probeFrame('is there a history?'), { summary }).catch(() => undefined);
  const { inspectRoom } = await import('../../../adapters/xmpp/index.ts');
  const { transport: _, ...options } = config;
  const within = deadline(signal, 3 * withinMs);
  const room = await inspectRoom(options, within).catch((error: unknown) => error);
  if (!isFacts(room)) {
    yield warning(
      'room',
      `the room does not tell its settings: ${room instanceof Error ? room.message : 'no answer'}`,
      'look them up at the server',
    );
    return;
  }
  const { moderated, membersOnly, persistent, maxUsers, historyMessages } = room;
  if (moderated) {
    yield warning(
      'room',
      'the room is moderated: it lets this account speak, and may not let another one',
      `make it unmoderated${ROOM_FORM}`,
    );
  }
  if (historyMessages > 0) {
    yield warning(
      'room',
      'the room sends its history to those who join',
      `set its history length to 0${ROOM_FORM}; Prosody: muc_room_default_history_length = 0 in prosody.cfg.lua; ejabberd: default_room_options in ejabberd.yml`,
    );
  }
  if (!persistent) {
    yield warning(
      'room',
      'the room is not persistent: its settings are lost when the last node leaves',
      `make it persistent${ROOM_FORM}`,
    );
  }
  if (maxUsers !== undefined && maxUsers < FEW_OCCUPANTS) {
    yield warning(
      'room',
      `the room takes ${maxUsers} occupants`,
      `raise max_users${ROOM_FORM}; ejabberd: default_room_options in ejabberd.yml`,
    );
  }
  const open = membersOnly ? 'members only' : 'open to every user of the server';
  yield ok(
    'room',
    `${open}, ${persistent ? 'persistent' : 'temporary'}${maxUsers === undefined ? '' : `, at most ${maxUsers} occupants`}`,
  );
}

const ROOM_FORM = ' in the room’s configuration (any chat client of an owner shows the form)';

type RoomFacts = Awaited<ReturnType<Inspect>>;
type Inspect = (typeof import('../../../adapters/xmpp/index.ts'))['inspectRoom'];

function isFacts(value: unknown): value is RoomFacts {
  return typeof value === 'object' && value !== null && 'historyMessages' in value;
}
