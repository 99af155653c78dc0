import type { Host } from './host.ts';
import type { Inbound } from './inbound.ts';
import type { Members } from './members.ts';
import { labelOf } from './origin-label.ts';
import type { Peer } from './peer.ts';

/** Forgets members: those that have not been heard for D, and those that their own restart has replaced. */
export class Silence {
  readonly #host: Host;
  readonly #members: Members;
  readonly #inbound: Inbound;
  /** When silences are looked at next. */
  #dueAtMs: number;
  /** Until then nobody is accused: what would excuse them may wait in the socket (MEM-6). */
  #patienceUntilMs: number = Number.NEGATIVE_INFINITY;

  constructor(host: Host, members: Members, inbound: Inbound) {
    this.#host = host;
    this.#members = members;
    this.#inbound = inbound;
    this.#dueAtMs = host.now.monoMs;
  }

  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** Accuses nobody for the next `patienceMs`. */
  excuse(patienceMs: number): void {
    this.#patienceUntilMs = Math.max(this.#patienceUntilMs, this.#host.now.monoMs + patienceMs);
  }

  tick(intervalMs: number): void {
    const { monoMs } = this.#host.now;
    if (monoMs < this.#dueAtMs) return;
    // After a pause timers run before the socket is read.
    if (monoMs - this.#dueAtMs > intervalMs / 2) this.excuse(intervalMs);
    this.#dueAtMs = monoMs + intervalMs;
    this.#members.changed();
    if (!this.#host.busOpen || monoMs < this.#patienceUntilMs) return;
    const { forgetAfterMs } = this.#members;
    for (const peer of this.#members.all()) {
      const silentMs = monoMs - peer.aliveAtMs;
      if (silentMs >= forgetAfterMs) this.#forget(peer, 'silence');
    }
  }

  /** A restarted node takes the place of its former incarnations, silent since it was first heard (ID-3). */
  supersede(successor: Peer): void {
    if (!this.#host.settings.uniqueLabel) return;
    const label = labelOf(successor.origin);
    for (const peer of this.#members.all()) {
      const former = peer !== successor && labelOf(peer.origin) === label;
      if (former && peer.aliveAtMs <= successor.admittedAtMs) this.#forget(peer, 'superseded');
    }
  }

  /** It may have published what nobody has heard: everything loaded before now is fenced (MEM-5). */
  #forget(peer: Peer, why: 'silence' | 'superseded'): void {
    if (this.#host.settings.protections.fenceOnForget) this.#inbound.fence(peer, 'silence');
    this.#members.remove(peer, why);
  }
}
