import { Command } from 'commander';
import { CLUSTER_TEACHING, withClusterFlags, type ClusterFlags } from './cluster-flags.ts';
import type { Surroundings } from './program.ts';

export interface WatchFlags extends ClusterFlags {
  readonly filter?: string;
  readonly json?: true;
}

const DESCRIPTION = `Shows the cluster live: who is there, how old each proof is, invalidations as they pass, losses and repairs, and messages of people and plain programs.

On a terminal it fills the screen; piped, it prints a line per event. It takes part as a node of its own, without a cache.`;

const TEACHING = `${CLUSTER_TEACHING}

Keys, on a terminal:
  p  pause and go on        f  filter by text (Enter: done, Esc: no filter)
  q  quit                   c  clear the list

Examples:
  $ unstale watch --bus xmpp://alice:secret@chat.example.com/cache@conference.example.com --cluster shop
  $ unstale watch --config unstale.yaml --filter article:
  $ unstale watch --json | jq 'select(.type == "gap-opened")'

What the times mean:
  proof        how long ago the moment is up to which everything of that node is known to have been heard
  propagation  from the publisher's clock to this machine's; as good as the two clocks agree

Exit codes: 0 quit by key, 1 it failed, 2 the command line is wrong, 130 stopped by Ctrl-C.`;

export function watchCommand(surroundings: Surroundings): Command {
  return withClusterFlags(new Command('watch'))
    .summary('the cluster, live')
    .description(DESCRIPTION)
    .option('--filter <text>', 'only events in which this text occurs')
    .option('--json', 'one JSON document per event and line')
    .addHelpText('after', TEACHING)
    .action(async (flags: WatchFlags) => {
      const { runWatch } = await import('./watch/run-watch.ts');
      await runWatch(flags, surroundings);
    });
}
