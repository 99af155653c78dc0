import { Command, InvalidArgumentError } from 'commander';
import { CLUSTER_TEACHING, withClusterFlags, type ClusterFlags } from './cluster-flags.ts';
import type { Surroundings } from './program.ts';

export interface DoctorFlags extends ClusterFlags {
  readonly timeout: number;
  readonly json?: true;
}

const DESCRIPTION = `Checks a configuration from the address to the last node: can the broker be reached, does it let us in, is the room, topic or exchange as it should be, does what we publish come back unchanged, how fast, and who in the cluster answers.

Each finding says what to change. The first one that is not ok is the cause of those after it.`;

const TEACHING = `${CLUSTER_TEACHING}

Examples:
  $ unstale doctor --config unstale.yaml
  $ unstale doctor --bus amqp://shop:secret@rabbit.example.com/?exchange=cache --json

Exit codes: 0 everything is ok or a warning, 1 something failed, 2 the configuration is wrong, 130 stopped by Ctrl-C.`;

export function doctorCommand(surroundings: Surroundings): Command {
  return withClusterFlags(new Command('doctor'))
    .summary('check a configuration, from the address to the last node')
    .description(DESCRIPTION)
    .option('--timeout <s>', 'wait at most so long for each answer', seconds, 5)
    .option('--json', 'print one JSON document on standard output, and nothing else')
    .addHelpText('after', TEACHING)
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('./doctor/run-doctor.ts');
      await runDoctor(flags, surroundings);
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}(\.\d{1,3})?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number of seconds above 0.');
}
