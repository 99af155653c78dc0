import type { BusConfig } from '../../config/bus-config.ts';
import { showBusUrl } from '../../config/bus-url.ts';
import type { LoadedConfiguration } from '../../config/load-configuration.ts';
import { channelOf, onShard } from '../../config/shard-channel.ts';
import { busConfigFor, busFor, configurationOf } from '../cluster-flags.ts';
import type { DoctorFlags } from '../doctor.ts';
import type { Surroundings } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import { UserError } from '../user-error.ts';
import { checkAddress } from './check-address.ts';
import { checkLargestFrame, checkLoopback, checkRate, checkSecondSubscriber } from './check-bus.ts';
import { watchClock } from './check-clock.ts';
import { checkChannel } from './check-channel.ts';
import { checkOpen } from './check-open.ts';
import { checkCluster } from './check-cluster.ts';
import { ok, warning, type Finding } from './finding.ts';
import { places, sourceInWords, type PlaceOf } from './place.ts';
import { Probe } from './probe.ts';
import { deadline } from '../deadline.ts';

/** Runs the checks in the order in which one depends on the other, and says what each has found. */
export async function runDoctor(flags: DoctorFlags, { out, signal }: Surroundings): Promise<void> {
  const loaded = await configurationOf(flags);
  const findings: Finding[] = [];
  for await (const finding of examine(loaded, flags.timeout * 1_000, signal)) {
    findings.push(finding);
    if (flags.json !== true) out.write(line(finding, out));
    signal.throwIfAborted();
  }
  const bad = findings.filter(({ verdict }) => verdict === 'failed').length;
  if (flags.json === true)
    out.write(`${JSON.stringify({ healthy: bad === 0, findings }, null, 2)}\n`);
  if (bad > 0) throw new UserError(`${bad} ${bad === 1 ? 'check has' : 'checks have'} failed`);
}

async function* examine(
  loaded: LoadedConfiguration,
  withinMs: number,
  signal: AbortSignal,
): AsyncIterable<Finding> {
  const { configuration } = loaded;
  const { shards = 1 } = configuration;
  const clock = watchClock();
  yield describe(loaded);
  const config = await busConfigFor(configuration);
  const address = await checkAddress(config, withinMs);
  yield address;
  if (address.verdict === 'failed') return;
  for (let index = 0; index < shards; index += 1) {
    const onChannel = onShard(config, index);
    const shard = shards === 1 ? {} : { shard: channelOf(onChannel) };
    let last = '';
    for await (const finding of examineBus(onChannel, places(loaded), withinMs, signal)) {
      last = finding.check;
      yield { ...finding, ...shard };
    }
    // That is the last thing to be looked at, if nothing was found on which it depends.
    if (last !== 'second-subscriber') return;
  }
  yield clock();
  yield await checkCluster(configuration, withinMs, signal);
}

/** One bus, up to the first thing on which all others depend. */
async function* examineBus(
  config: BusConfig,
  placeOf: PlaceOf,
  withinMs: number,
  signal: AbortSignal,
): AsyncIterable<Finding> {
  const probe = new Probe(await busFor(config, 'doctor'));
  try {
    const attach = await checkOpen(
      probe,
      { transport: config.transport, placeOf },
      deadline(signal, 3 * withinMs),
    );
    yield attach;
    if (attach.verdict === 'failed') return;
    yield* checkChannel(config, { probe, withinMs }, signal);
    const loopback = await checkLoopback(probe, config.transport, withinMs);
    yield loopback;
    if (loopback.verdict === 'failed') return;
    yield await checkLargestFrame(probe, withinMs);
    yield await checkRate(probe, Math.min(withinMs, 3_000));
    const second = new Probe(await busFor(config, 'doctor'));
    try {
      yield await checkSecondSubscriber(probe, second, withinMs, signal);
    } finally {
      await second.close();
    }
  } finally {
    await probe.close();
  }
}

function describe({ configuration, sources, overruled }: LoadedConfiguration): Finding {
  const { bus, transport, cluster, shards = 1 } = configuration;
  const which = bus === undefined ? `transport ${transport}` : `bus ${showBusUrl(bus)}`;
  const from = [...new Set(Object.values(sources))]
    .filter((source) => source !== 'default')
    .map(sourceInWords)
    .join(', ');
  const channels = shards === 1 ? '' : `, ${shards} shards`;
  const text = `cluster ${JSON.stringify(cluster)}, ${which}${channels}; from ${from}`;
  if (overruled.length === 0) return ok('configuration', text);
  return warning(
    'configuration',
    `${text}; ${overruled.map(sourceInWords).join('; ')}`,
    'if that is not meant, set each option in one place',
  );
}

const MARKS = { ok: '✔', warning: '!', failed: '✖', skipped: '–' } as const;
const STYLES = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const;

function line({ check, verdict, text, advice, shard }: Finding, out: Terminal): string {
  const mark = out.styled(STYLES[verdict], MARKS[verdict]);
  const help = advice === undefined ? '' : `\n  ${out.styled('dim', `→ ${advice}`)}`;
  const where = shard === undefined ? '' : `${shard}: `;
  return `${mark} ${check.padEnd(18)} ${where}${text}${help}\n`;
}
