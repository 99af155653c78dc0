import type { Terminal } from '../terminal.ts';
import type { DemoPlan } from './demo-options.ts';
import { describeLeftOut } from './resource-list.ts';
import type { Mode } from './resource-cache.ts';
import type { ModeWatcher, Place } from './run-mode.ts';
import type { Tally } from './tally.ts';

/** A terminal is redrawn with every tick; where lines stay, one in so many ms is enough. */
const LINE_EVERY_MS = 2_000;

/** Clears the line and goes back to its beginning (ECMA-48: EL, CR). */
const CLEAR_LINE = '\u001b[2K\r';

/** What a person reads on standard error while the demo runs. */
export class Progress implements ModeWatcher {
  readonly #err: Terminal;
  readonly #plan: DemoPlan;
  #lineIsOpen = false;
  #lastLineMs = 0;

  constructor(err: Terminal, plan: DemoPlan) {
    this.#err = err;
    this.#plan = plan;
  }

  introduce(): void {
    const { flags, list, folder, busText, bus } = this.#plan;
    const { leftOut, resources } = list;
    const left = leftOut.size === 0 ? '' : ` (left out: ${describeLeftOut(leftOut)})`;
    this.#say(`An origin serves ${resources.length} files of ${folder}${left},`);
    this.#say(
      `each read or save taking about ${flags.latency} ms. ${flags.nodes} servers serve them on:`,
    );
    this.#say(
      `${flags.rate} reads and ${flags.writes} saves a second, ${flags.seconds} s in each mode, seed ${flags.seed}, bus ${busText}`,
    );
    if (bus.transport === 'memory') {
      this.#say('A memory bus does not reach beyond its process: all servers share one.');
    }
  }

  starting(mode: Mode): void {
    if (this.#err.isTerminal) this.#draw(`  ${nameOf(mode, this.#plan)}: starting the processes`);
  }

  started(mode: Mode, places: readonly Place[]): void {
    this.#say(this.#err.styled('bold', `${nameOf(mode, this.#plan)}:`));
    for (const { name, base, pid } of places) this.#say(`  ${name} ${base} (process ${pid})`);
    if (this.#err.isTerminal) this.#draw('  warming up: every server reads the resources once');
  }

  measuring(mode: Mode, tally: Tally, elapsedMs: number): void {
    const nowMs = performance.now();
    if (!this.#err.isTerminal && nowMs - this.#lastLineMs < LINE_EVERY_MS) return;
    this.#lastLineMs = nowMs;
    const { seconds } = this.#plan.flags;
    const elapsed = Math.min(seconds, elapsedMs / 1_000).toFixed(0);
    this.#draw(`  ${elapsed} of ${seconds} s: ${describe(tally, mode)}`);
  }

  finished(mode: Mode, tally: Tally): void {
    this.#say(`  measured: ${describe(tally, mode)}`);
    if (tally.errors > 0) this.#say(this.#err.styled('red', `  errors: ${tally.describeErrors()}`));
  }

  event(text: string): void {
    this.#say(this.#err.styled('yellow', `  ${text}`));
  }

  /** Leaves the cursor at the beginning of a line. */
  end(): void {
    if (this.#lineIsOpen) this.#err.write(CLEAR_LINE);
    this.#lineIsOpen = false;
  }

  #draw(text: string): void {
    if (this.#err.isTerminal) {
      // A line that wraps could not be cleared.
      this.#err.write(`${CLEAR_LINE}${text.slice(0, this.#err.columns - 1)}`);
      this.#lineIsOpen = true;
    } else this.#err.write(`${text}\n`);
  }

  #say(text: string): void {
    this.end();
    this.#err.write(`${text}\n`);
  }
}

/** How a mode is called where people read it. */
export function nameOf(mode: Mode, { flags }: Pick<DemoPlan, 'flags'>): string {
  if (mode === 'none') return 'no cache';
  return mode === 'ttl' ? `TTL ${flags.ttl} s` : 'unstale';
}

function describe(tally: Tally, mode: Mode): string {
  const hits = mode === 'none' ? '' : `, ${(tally.hitRatio * 100).toFixed(1)} % hits`;
  const { staleReads } = tally.ledger;
  return `${tally.reads} reads${hits}, ${tally.saves} saves, ${staleReads} stale reads, ${tally.errors} errors`;
}
