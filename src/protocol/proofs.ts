import type { Host } from './host.ts';
import type { Members } from './members.ts';
import { EVERY_REGION } from './selection.ts';

/** Tells each region of this node what it may trust, whenever that changes (BEAT-5). */
export class Proofs {
  readonly #host: Host;
  readonly #members: Members;
  /** What each region was told. */
  readonly #told = new Map<string, number | undefined>();
  /** What the other shards of this node were told. */
  #toldShards: { readonly provenAtMs: number; readonly alike: boolean } | undefined;
  #toldBoundMs = 0;
  #revision = -1;

  constructor(host: Host, members: Members) {
    this.#host = host;
    this.#members = members;
  }

  add(region: string): void {
    if (this.#told.has(region)) return;
    this.#told.set(region, undefined);
    this.#revision = -1;
  }

  tell(boundMs: number): void {
    if (boundMs !== this.#toldBoundMs) {
      this.#toldBoundMs = boundMs;
      const { readRule } = this.#host.settings.protections;
      this.#host.emit({ type: 'bound', boundMs: readRule ? boundMs : Number.POSITIVE_INFINITY });
    }
    if (this.#revision === this.#members.revision) return;
    this.#revision = this.#members.revision;
    for (const [region, told] of this.#told) {
      const atMs = this.#members.proofMs(region);
      if (atMs === told) continue;
      this.#told.set(region, atMs);
      this.#host.emit({ type: 'proof', region, atMs });
    }
    if ((this.#host.settings.shards ?? 1) > 1) this.#tellShards();
  }

  #tellShards(): void {
    const provenAtMs = this.#members.proofMs(EVERY_REGION);
    const { alike } = this.#members;
    const told = this.#toldShards;
    if (told?.provenAtMs === provenAtMs && told.alike === alike) return;
    this.#toldShards = { provenAtMs, alike };
    this.#host.emit({ type: 'shard', provenAtMs, alike });
  }
}
