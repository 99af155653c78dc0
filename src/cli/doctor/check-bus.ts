import type { Transport } from '../../config/bus-config.ts';
import { BusError } from '../../index.ts';
import { failed, ok, warning, type Finding } from './finding.ts';
import { lackOfRights } from './lack-of-rights.ts';
import { probeFrame, type Probe } from './probe.ts';

/** Text that brokers and their ways of packing are known to change. */
const ODD_TEXTS: readonly string[] = [']]>', '"\\', '<&>', ' ~ ', ''];

/** How many frames the latency is measured with. */
const LATENCY_FRAMES = 20;

/** What we publish comes back to us, unchanged; and how long the broker takes. */
export async function checkLoopback(
  probe: Probe,
  transport: Transport,
  withinMs: number,
): Promise<Finding> {
  const latencies: number[] = [];
  for (let number = 0; number < LATENCY_FRAMES; number += 1) {
    const frame = probeFrame(`${number} ${ODD_TEXTS[number % ODD_TEXTS.length]}`);
    const heard = probe.hears(frame, withinMs);
    const startMs = performance.now();
    try {
      await probe.bus.publish(frame);
    } catch (error) {
      await heard;
      // What ended the link says more than the frame that was lost with it.
      const said = textOf(probe.interruption ?? error);
      const text = `the broker does not accept what we publish: ${said}`;
      return lackOfRights(said, transport) ?? failed('confirm', text, CONFIRM_ADVICE);
    }
    latencies.push(performance.now() - startMs);
    if (!(await heard)) {
      return failed(
        'loopback',
        'what we publish does not come back to us as it was',
        'check that this user may also read from the channel, and that nothing between rewrites messages',
      );
    }
  }
  latencies.sort((a, b) => a - b);
  const median = latencies[Math.floor(latencies.length / 2)] ?? 0;
  const text = `frames come back unchanged; confirmed in ${median.toFixed(1)} ms (median), ${latencies.at(-1)?.toFixed(1)} ms (slowest)`;
  return ok('loopback', text);
}

const CONFIRM_ADVICE =
  'check that the user may write, and that the broker has room: a full disk or memory limit stops publishers (RabbitMQ: rabbitmq-diagnostics alarms, disk_free_limit in rabbitmq.conf; ActiveMQ: systemUsage in activemq.xml)';

/** The largest frame passes. */
export async function checkLargestFrame(probe: Probe, withinMs: number): Promise<Finding> {
  const { maxFrameBytes } = probe.bus.capabilities;
  const frame = probeFrame('x'.repeat(maxFrameBytes - probeFrame('').length));
  const heard = probe.hears(frame, withinMs);
  try {
    await probe.bus.publish(frame);
  } catch (error) {
    await heard;
    return failed(
      'largest-frame',
      `a frame of ${maxFrameBytes} bytes is refused: ${textOf(error)}`,
      LARGEST_ADVICE,
    );
  }
  if (await heard) return ok('largest-frame', `a frame of ${maxFrameBytes} bytes passes`);
  return failed(
    'largest-frame',
    `a frame of ${maxFrameBytes} bytes does not come back`,
    LARGEST_ADVICE,
  );
}

const LARGEST_ADVICE =
  'raise the broker’s limit for a message, or set maxFrameBytes in the configuration';

/** Enough to see a rate limit, little enough not to be a flood. */
const RATE_BYTES = 262_144;
/** So many frames are on their way at once: more would still be in the pipe when the next check begins. */
const RATE_WINDOW = 4;
/** Fewer bytes a second than this are a limit that somebody has set, or a line that is as slow as one. */
const THROTTLED_BYTES_PER_SECOND = 32_768;

/** Nothing holds us back: a client that is throttled looks healthy until there is much to say. */
export async function checkRate(probe: Probe, withinMs: number): Promise<Finding> {
  const size = Math.min(probe.bus.capabilities.maxFrameBytes, 8_192);
  const startMs = performance.now();
  let sent = 0;
  let confirmed = 0;
  const publishing = async (): Promise<void> => {
    while (sent < RATE_BYTES && performance.now() - startMs < withinMs) {
      sent += size;
      const frame = probeFrame(`${sent} `.padEnd(size - probeFrame('').length, 'x'));
      await probe.bus.publish(frame);
      confirmed += size;
    }
  };
  const window = Array.from({ length: RATE_WINDOW }, publishing);
  const refusal = (await Promise.allSettled(window)).find(({ status }) => status === 'rejected');
  const seconds = Math.max(0.001, (performance.now() - startMs) / 1_000);
  const rate = confirmed / seconds;
  const text = `${(rate / 1_024).toFixed(0)} KiB a second are accepted`;
  if (refusal?.status === 'rejected') {
    return warning('rate', `${text}, then: ${textOf(refusal.reason)}`, RATE_ADVICE);
  }
  if (rate >= THROTTLED_BYTES_PER_SECOND) return ok('rate', text);
  return warning('rate', `${text}: something throttles this client`, RATE_ADVICE);
}

const RATE_ADVICE =
  'raise or remove the rate limit for this client (Prosody: limits in prosody.cfg.lua; ejabberd: shaper of the listener in ejabberd.yml)';

/** Another subscriber hears what we publish, and we hear it. */
export async function checkSecondSubscriber(
  first: Probe,
  second: Probe,
  withinMs: number,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    await second.open(signal);
  } catch (error) {
    return failed(
      'second-subscriber',
      `a second node cannot attach: ${textOf(error)}`,
      'raise the limit of connections or of occupants (max_users)',
    );
  }
  const before = second.foreign;
  for (const [from, to, way] of [
    [first, second, 'does not hear the first'],
    [second, first, 'is not heard by the first'],
  ] as const) {
    const frame = probeFrame(`to a second subscriber ${way}`);
    const heard = to.hears(frame, withinMs);
    await from.bus.publish(frame).catch(() => undefined);
    if (!(await heard)) {
      return failed(
        'second-subscriber',
        `a second node ${way}`,
        'check that both use the same channel, and that the broker lets every user hear every other',
      );
    }
  }
  if (second.foreign > before) {
    return warning(
      'second-subscriber',
      'hears our frames as messages without a frame',
      'something takes our envelope off',
    );
  }
  return ok('second-subscriber', 'a second node hears the first and is heard by it');
}

function textOf(error: unknown): string {
  return error instanceof BusError ? `${error.message} (${error.code})` : String(error);
}
