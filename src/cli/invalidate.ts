import { Command, InvalidArgumentError } from 'commander';
import { CLUSTER_TEACHING, withClusterFlags, type ClusterFlags } from './cluster-flags.ts';
import type { Surroundings } from './program.ts';

export interface InvalidateFlags extends ClusterFlags {
  readonly region?: string;
  readonly tag?: readonly string[];
  readonly prefix?: readonly string[];
  readonly all?: true;
  readonly ack: 'bus' | 'all' | number;
  readonly timeout: number;
  readonly json?: true;
}

const DESCRIPTION = `Drops what has changed from the caches of all nodes. For scripts and cron jobs that have no cache themselves: call it after the change is committed.`;

const TEACHING = `${CLUSTER_TEACHING}

Examples:
  $ unstale invalidate article:42 article:43
  $ unstale invalidate --region articles 42 --ack all
  $ unstale invalidate --tag author:7
  $ unstale invalidate --prefix article:2024-
  $ unstale invalidate --region articles --all
  $ psql -Atc 'select id from changed' | unstale invalidate --region articles -

The result says how far it came:
  bus      the broker has accepted it
  acks     every node asked has applied it
  lease    the staleness bound has passed: nobody can serve the old value any more
  local    not accepted by the broker; nobody else has heard it
  timeout  not known in time

Exit codes: 0 done, 1 it failed or was not accepted, 2 the command line is wrong, 130 stopped by Ctrl-C.`;

export function invalidateCommand(surroundings: Surroundings): Command {
  return withClusterFlags(new Command('invalidate'))
    .summary('drop what has changed from the caches of all nodes')
    .description(DESCRIPTION)
    .argument('[keys...]', 'ids of what has changed; - reads them from standard input, one a line')
    .option('--region <name>', 'the region of the keys (default: every region)')
    .option('--tag <tag>', 'everything with this tag; may be given again', collect)
    .option('--prefix <text>', 'every key that begins so; may be given again', collect)
    .option('--all', 'the whole region, or everything where no region is given')
    .option('--ack <who>', 'wait for: bus, all, or a number of nodes', ackOf, 'bus')
    .option('--timeout <s>', 'wait at most so long for a bus and for each answer', seconds, 30)
    .option('--json', 'print one JSON document on standard output, and nothing else')
    .addHelpText('after', TEACHING)
    .action(async (keys: readonly string[], flags: InvalidateFlags) => {
      const { runInvalidate } = await import('./invalidate/run-invalidate.ts');
      await runInvalidate(keys, flags, surroundings);
    });
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function ackOf(text: string): 'bus' | 'all' | number {
  if (text === 'bus' || text === 'all') return text;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be bus, all, or a number of nodes from 1.');
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number of seconds above 0.');
}
