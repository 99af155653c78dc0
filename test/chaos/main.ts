import { Command, InvalidArgumentError, Option } from 'commander';
import { seededRandom } from '../../src/cli/demo/seeded-random.ts';
import type { ArenaName } from './arena.ts';
import { runChaos } from './run-chaos.ts';

interface Flags {
  readonly broker?: ArenaName;
  readonly seconds: number;
  readonly nodes: number;
  readonly staleness: number;
  readonly seed: number;
  readonly json?: true;
}

const BROKERS: readonly ArenaName[] = ['prosody', 'activemq', 'rabbitmq'];

const command = new Command('chaos')
  .description(
    'Node processes on real brokers, with real faults: severed, swallowed and slow lines, stopped and killed nodes and brokers, deleted queues and rooms, clocks that jump. A checker reads the merged history.',
  )
  .addOption(
    new Option('--broker <name>', 'one broker (default: each in turn)').choices([...BROKERS]),
  )
  .option('--seconds <s>', 'how long things go wrong, for each broker', number, 600)
  .option('--nodes <count>', 'node processes', number, 6)
  .option('--staleness <ms>', 'X', number, 3_000)
  .option('--seed <n>', 'which faults, and when', number, 1)
  .option('--json', 'print JSON on standard output, and nothing else')
  .parse();

function number(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

const { broker, seconds, nodes, staleness, seed, json } = command.opts<Flags>();
let failed = false;
for (const name of broker === undefined ? BROKERS : [broker]) {
  const report = await runChaos({
    broker: name,
    seconds,
    nodes,
    maxStalenessMs: staleness,
    random: seededRandom(seed, name),
    onProgress: (text) => {
      process.stderr.write(`${name}: ${text}\n`);
    },
  });
  failed ||= report.violations > 0 || report.staleAfterHealing > 0;
  process.stdout.write(`${JSON.stringify(report, undefined, json === true ? undefined : 2)}\n`);
}
process.exitCode = failed ? 1 : 0;
