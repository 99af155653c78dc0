import type { CallResult, Effect } from '../../src/protocol/effect.ts';
import type { Input } from '../../src/protocol/input.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import type { Message, Origin } from '../../src/protocol/message.ts';
import type { Report } from '../../src/protocol/report.ts';
import { CLOCK_RATE_ERROR } from '../../src/protocol/settings.ts';
import type { FrameKind } from './ledger.ts';
import type { Member } from './member.ts';
import type { World } from './world.ts';

/** After a barrier has been resolved nobody may serve less than `version` (I6). */
interface Floor {
  readonly version: number;
  readonly fromMs: number;
  /** The bound that the publisher went by. A reader with a longer one of its own is not promised anything. */
  readonly boundMs: number;
  /** Who acknowledged; `undefined`: the bound has passed, which holds for everybody. */
  readonly readers: ReadonlySet<Member> | undefined;
}

/** What was written under a barrier that is not resolved yet. */
export interface BarrierNote {
  readonly versions: readonly (readonly [key: string, version: number])[];
  readonly boundMs: number;
  readonly readers: ReadonlySet<Member>;
}

/** Control frames that one node may send in a second: beats that are asked for, tails, NACKs and repairs (I8). */
const CONTROL_FRAMES_PER_SECOND = 60;

/** After these a node may trust less than before. */
const CHANGES: ReadonlySet<Report['type']> = new Set<Report['type']>([
  'member-joined',
  'newer-version',
  'rejoining',
  'identity-duplicated',
]);

/** What must hold after every event (PROTOCOL 8.4). Throws a `Violation`. */
export class Invariants {
  readonly #world: World;
  readonly #floors = new Map<string, Floor[]>();
  readonly #proofs = new WeakMap<Member, Map<string, number>>();
  readonly #control = new WeakMap<Member, { second: number; frames: number }>();
  readonly #said = new Map<string, { readonly key: string; readonly version: number }>();
  /** Members whose required peers, or what is known of them, have changed in the step under way. */
  readonly #changed = new Set<Member>();
  worstStaleMs = 0;
  /** Of the bound in force for the reader. */
  worstShare = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** I1: a hit at `atMs`, or a read that joined a load at `atMs`. */
  served(member: Member, key: string, version: number, atMs: number): void {
    const { source, plan } = this.#world;
    const { boundMs } = member.core;
    const staleMs = source.staleForMs(key, version, atMs);
    if (staleMs > this.worstStaleMs) this.worstStaleMs = staleMs;
    const share = (staleMs - plan.replicaLagMs) / boundMs;
    if (share > this.worstShare) this.worstShare = share;
    const limitMs = boundMs * (1 + 2 * plan.rateError) + plan.replicaLagMs;
    if (staleMs > limitMs) {
      this.#world.complain(
        'I1',
        `${member.name} serves version ${version} of ${key}, out of date for ${staleMs.toFixed(1)} ms; the bound is ${limitMs.toFixed(1)} ms`,
      );
    }
    for (const floor of this.#floors.get(key) ?? [])
      this.#checkFloor(floor, member, key, version, atMs);
  }

  /** A barrier was resolved. */
  resolved(note: BarrierNote, result: CallResult): void {
    const { nowMs, plan } = this.#world;
    if (result.by !== 'acks' && result.by !== 'lease') return;
    this.#world.count(`barrier by ${result.by}`);
    // Beyond A2 the lease is too short by as much.
    const beyond = 2 * Math.max(0, plan.rateError - CLOCK_RATE_ERROR);
    const fromMs = result.by === 'acks' ? nowMs : nowMs + note.boundMs * beyond;
    const readers = result.by === 'acks' ? note.readers : undefined;
    for (const [key, version] of note.versions) {
      const floors = this.#floors.get(key) ?? [];
      floors.push({ version, fromMs, boundMs: note.boundMs, readers });
      this.#floors.set(key, floors.slice(-4));
    }
  }

  /** A foreign message names `key`, whose newest version then was `version`. */
  said(id: string, key: string, version: number): void {
    this.#said.set(id, { key, version });
  }

  sent(member: Member, message: Message, kind: FrameKind): void {
    if (kind === 'folded repair') this.#world.count('repair folded to a flush');
    const { nowMs } = this.#world;
    if (message.type === 'beat' && message.held !== undefined)
      this.#world.count('reserved number pending while beating');
    if (message.type === 'inv' && message.via !== undefined) this.#adopted(member, message.via);
    if (kind === 'batch') return;
    const second = Math.floor(nowMs / 1_000);
    const counted = this.#control.get(member);
    const frames = counted?.second === second ? counted.frames + 1 : 1;
    this.#control.set(member, { second, frames });
    if (frames > CONTROL_FRAMES_PER_SECOND)
      this.#world.complain(
        'I8',
        `${member.name} sends more than ${CONTROL_FRAMES_PER_SECOND} control frames in a second`,
      );
  }

  reported(member: Member, report: Report): void {
    const world = this.#world;
    const { type } = report;
    if (CHANGES.has(type)) this.#changed.add(member);
    if (type === 'member-left') {
      member.witness.forgot(report.origin);
      world.count(`member left by ${report.why}`);
      if (report.why === 'silence') this.#checkSilence(member, report.origin);
    }
    if (type === 'settled') world.count(`settled by ${report.by}`);
    if (type === 'gap-closed') world.count(`gap closed by ${report.by}`);
    if (type === 'guard-slow') world.count('guard alarm');
    if (type === 'identity-duplicated') world.count('origin renewed');
  }

  stepped(member: Member, input: Input, effects: readonly Effect[]): void {
    const message = input.type === 'frame' ? this.#world.messageOf(input.frame) : undefined;
    if (message !== undefined && message.origin !== member.origin) {
      member.witness.took(message, effects, this.#world.nowMs);
    }
    const now = { me: member.origin, nowMs: this.#world.nowMs };
    for (const peer of member.core.members.all()) {
      member.witness.check(peer, effects, now);
      const kept = peer.sequence.ranges.length;
      if (kept >= LIMITS.outOfOrderRanges) this.#world.count('as many ranges as are kept');
      if (kept > LIMITS.outOfOrderRanges)
        this.#world.complain('I7', `${member.name} keeps more ranges than its bound allows`);
    }
    if (effects.length > 1) this.#countByes(effects);
    for (const effect of effects)
      if (effect.type === 'proof') this.#checkProof(member, effect.region, effect.atMs);
    this.#changed.delete(member);
  }

  /** A foreign message has a number now. A node that is not ready promises nothing yet (A8). */
  #adopted(member: Member, id: string): void {
    this.#world.count('foreign message adopted');
    const said = this.#said.get(id);
    if (said === undefined || !member.core.members.ready) return;
    this.#world.source.cover(said.key, said.version, this.#world.nowMs);
  }

  /** Members that said bye, and of whom something was missing to the end. */
  #countByes(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'report' || effect.report.type !== 'member-left') continue;
      const { origin, why } = effect.report;
      const fenced = effects.some((one) => one.type === 'fence' && one.cause.origin === origin);
      if (why === 'bye' && fenced) this.#world.count('member left by bye, incomplete');
    }
  }

  /** I5: proof goes back only where somebody new is required. */
  #checkProof(member: Member, region: string, atMs: number): void {
    const proofs = this.#proofs.get(member) ?? new Map<string, number>();
    this.#proofs.set(member, proofs);
    const before = proofs.get(region);
    proofs.set(region, atMs);
    if (before === undefined || atMs >= before || this.#changed.has(member)) return;
    // With nobody to hear everything is proven, as long as the bus is there.
    if (before === Number.POSITIVE_INFINITY && member.core.members.size === 0) return;
    this.#world.complain('I5', `${member.name} takes back its proof from ${before} to ${atMs}`);
  }

  /** I12: forgotten is only who was truly not heard for D. If it lives all the same, A6 is broken. */
  #checkSilence(member: Member, origin: Origin): void {
    const ledger = this.#world.ledgers.get(origin);
    if (ledger === undefined || !ledger.alive) return;
    const { plan, nowMs } = this.#world;
    const heardAtMs = member.witness.heardAtMs(origin);
    const leastMs = member.settings.forgetAfterMs * (1 - 2 * plan.rateError) - 1;
    if (nowMs - heardAtMs < leastMs)
      this.#world.complain(
        'I12',
        `${member.name} forgets ${origin}, heard ${(nowMs - heardAtMs).toFixed(0)} ms ago`,
      );
    this.#world.broken = 'A6';
  }

  #checkFloor(floor: Floor, member: Member, key: string, version: number, atMs: number): void {
    if (version >= floor.version || atMs < floor.fromMs) return;
    if (floor.readers !== undefined && !floor.readers.has(member)) return;
    if (floor.readers === undefined && member.core.boundMs > floor.boundMs) return;
    const by = floor.readers === undefined ? 'lease' : 'acks';
    this.#world.complain(
      'I6',
      `${member.name} serves version ${version} of ${key} after a barrier for ${floor.version} was resolved by ${by}`,
    );
  }
}
