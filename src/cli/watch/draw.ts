import cliTruncate from 'cli-truncate';
import type { ClusterStatus, MemberStatus } from '../../index.ts';
import type { Terminal } from '../terminal.ts';
import { eventLine, labelOf } from './event-line.ts';
import type { WatchList } from './watch-list.ts';
import { printable } from './watched-event.ts';

export interface Picture {
  readonly status: ClusterStatus;
  readonly list: WatchList;
  readonly columns: number;
  readonly rows: number;
  /** What is typed after `f`, while it is typed. */
  readonly typing: string | undefined;
}

/** Members in the table; the rest is counted. At least as many rows are left to the events. */
const MOST_MEMBERS = 8;

/** The whole screen, as lines that fit. */
export function draw(picture: Picture, style: Terminal['styled']): readonly string[] {
  const { status, list, columns, rows, typing } = picture;
  const shownMembers = Math.max(1, Math.min(MOST_MEMBERS, Math.floor((rows - 6) / 2)));
  const lines = [
    title(status, list, style),
    counts(status),
    style(
      'dim',
      `${'member'.padEnd(28)}${'proof'.padStart(10)}${'heard'.padStart(10)}${'missing'.padStart(9)}  why`,
    ),
    ...memberLines(status.members, shownMembers, style),
    '',
  ];
  const footer =
    typing === undefined
      ? `p ${list.paused ? 'go on' : 'pause'}  f filter${list.filter === '' ? '' : ` (${printable(list.filter)})`}  c clear  q quit`
      : `filter: ${printable(typing)}_  Enter done, Esc no filter`;
  const room = rows - lines.length - 1;
  const events = list.newest(room).map((event) => eventLine(event, style));
  while (events.length < room) events.push('');
  const whole = [...lines, ...events, style('inverse', footer.padEnd(columns))];
  return whole.slice(0, rows).map((line) => cliTruncate(line, columns));
}

function title(status: ClusterStatus, list: WatchList, style: Terminal['styled']): string {
  const bus = status.bus === 'open' ? style('green', 'open') : style('red', 'away');
  const settled = status.settled ? 'settled' : style('yellow', 'not settled: TTL mode');
  const paused = list.paused ? style('yellow', '  PAUSED') : '';
  return `${style('bold', status.cluster)}  bus ${bus}  ${settled}  bound ${duration(status.boundMs)}  ${list.perSecond}/s${paused}`;
}

function counts({ counters }: ClusterStatus): string {
  const refused = Object.values(counters.framesRefused).reduce((sum, count) => sum + count, 0);
  return (
    `heard ${counters.framesHeard}  lost ${counters.lost}  repaired ${counters.repaired}  ` +
    `fenced ${counters.fenced}  foreign ${counters.foreignApplied}  refused ${refused + counters.foreignRefused}`
  );
}

function memberLines(
  members: readonly MemberStatus[],
  most: number,
  style: Terminal['styled'],
): readonly string[] {
  if (members.length === 0) return [style('dim', 'nobody else is here')];
  const lines = members.slice(0, most).map((member) => {
    const note = member.note === 'proven' ? style('green', 'proven') : style('yellow', member.note);
    return (
      printable(labelOf(member.node)).padEnd(28).slice(0, 28) +
      duration(member.proofAgeMs).padStart(10) +
      duration(member.silentMs).padStart(10) +
      `${member.missing}`.padStart(9) +
      `  ${note}`
    );
  });
  if (members.length > most) lines.push(style('dim', `and ${members.length - most} more`));
  return lines;
}

function duration(ms: number): string {
  if (!Number.isFinite(ms)) return 'none';
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
