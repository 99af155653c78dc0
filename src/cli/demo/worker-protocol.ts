import type { BusConfig } from '../../config/bus-config.ts';
import type { Commit } from './origin.ts';
import type { Mode } from './resource-cache.ts';
import type { Resource } from './resource-list.ts';

/** What a process of the demo is to be. The first message that it hears. */
export type Role =
  | {
      readonly type: 'origin';
      readonly resources: readonly Resource[];
      readonly latencyMs: number;
      readonly seed: number;
      readonly port: number;
    }
  | {
      readonly type: 'servers';
      /** More than one only where the bus does not reach beyond a process. */
      readonly servers: readonly ServerRole[];
      readonly origin: string;
      readonly mode: Mode;
      readonly ttlMs: number;
      readonly cluster: string;
      readonly nodes: number;
      readonly bus: BusConfig;
      /** To be removed at the end. */
      readonly ownFolder?: string;
    };

export interface ServerRole {
  readonly name: string;
  readonly port: number;
}

export type Order =
  | Role
  /** Forget what was counted so far. */
  | { readonly type: 'measure' }
  /** Tell what has not been told yet, then answer `told`. */
  | { readonly type: 'tell' };

/** What a process of the demo says. Times on the clock of `sharedNowMs`. */
export type Telling =
  | { readonly type: 'listening'; readonly bases: readonly string[] }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number }
  /** All commits until `untilMs` that were not told before. */
  | { readonly type: 'commits'; readonly commits: readonly Commit[]; readonly untilMs: number }
  | { readonly type: 'passages'; readonly passages: readonly Passage[] }
  | { readonly type: 'event'; readonly server: string; readonly text: string }
  | { readonly type: 'told'; readonly originReads: number };

/** An id on its way: `saved` on one server, `dropped` on another because `by` had saved it. */
export type Passage =
  | { readonly type: 'saved'; readonly id: string; readonly server: string; readonly atMs: number }
  | {
      readonly type: 'dropped';
      readonly id: string;
      readonly server: string;
      readonly by: string;
      readonly atMs: number;
    };
