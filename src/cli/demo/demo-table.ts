import Table from 'cli-table3';
import type { Terminal } from '../terminal.ts';
import type { DemoPlan } from './demo-options.ts';
import { nameOf } from './progress.ts';
import type { DemoResult } from './run-demo.ts';
import type { ModeResult } from './tally.ts';

type Row = readonly [label: string, show: (result: ModeResult) => string];

const ROWS: readonly Row[] = [
  ['reads', ({ reads }) => count(reads)],
  ['errors', ({ errors }) => count(errors)],
  ['hit ratio', ({ hitRatio }) => `${(hitRatio * 100).toFixed(1)} %`],
  ['read p50', ({ readP50Ms }) => ms(readP50Ms)],
  ['read p99', ({ readP99Ms }) => ms(readP99Ms)],
  ['loads from the origin', ({ originLoads }) => count(originLoads)],
  ['stale reads', ({ staleReads }) => count(staleReads)],
  ['worst staleness', ({ worstStalenessMs }) => ms(worstStalenessMs)],
];

/** What a person reads at the end. */
export function demoTable(result: DemoResult, plan: DemoPlan, out: Terminal): string {
  const { none, ttl, unstale } = result.modes;
  const table = new Table({
    head: [
      '',
      ...(['none', 'ttl', 'unstale'] as const).map((mode) =>
        out.styled('bold', nameOf(mode, plan)),
      ),
    ],
    colAligns: ['left', 'right', 'right', 'right'],
    // Its own colours are switched off: whether there are any is not for the table to say.
    style: { head: [], border: [], compact: true },
  });
  for (const [label, show] of ROWS) {
    const shown = [none, ttl, unstale].map(show);
    table.push([
      label,
      ...(label.includes('stale') ? marked(shown, [none, ttl, unstale], out) : shown),
    ]);
  }
  const { propagationP50Ms, propagationP99Ms } = unstale;
  table.push(['propagation p50', '', '', ms(propagationP50Ms)]);
  table.push(['propagation p99', '', '', ms(propagationP99Ms)]);
  return `${table.toString()}\n${result.nodes} servers on ${result.bus}, ${result.seconds} s in each mode\n`;
}

/** What users would notice, in red; what they would not, in green. */
function marked(shown: readonly string[], results: readonly ModeResult[], out: Terminal): string[] {
  return shown.map((text, index) => {
    const worstMs = results[index]?.worstStalenessMs ?? 0;
    return out.styled(worstMs < NOTICEABLE_MS ? 'green' : 'red', text);
  });
}

const NOTICEABLE_MS = 1_000;

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Three digits say enough. */
function ms(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0 ms';
  return value < 100 ? `${value.toPrecision(3)} ms` : `${count(Math.round(value))} ms`;
}
