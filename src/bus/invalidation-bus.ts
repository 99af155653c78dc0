import type { BusError } from './bus-error.ts';

/** One line of printable ASCII text (0x20 to 0x7e), opaque to the bus, at most `maxFrameBytes` long. */
export type Frame = string;

/**
 * The port: what nodes share to hear each other. Every open bus hears every frame, its own included
 * (*loopback*), and says when it cannot vouch for having heard everything (*continuity*).
 * The rules that an implementation must keep are numbered in docs/contract.md and checked by `unstale/conformance`.
 */
export interface InvalidationBus extends AsyncDisposable {
  /** What this bus promises beyond the contract. Constant from construction. */
  readonly capabilities: BusCapabilities;
  readonly state: BusState;
  /**
   * Attaches. Once it resolves, every frame that the broker accepts will reach `receiver`.
   * A bus has one lifetime: a failed `open` closes it.
   * @throws {BusError} `BUS_UNREACHABLE`, `BUS_ACCESS_DENIED`, `BUS_MISCONFIGURED`, `BUS_ALREADY_OPENED`
   * @throws {TypeError} if `receiver` lacks a method
   */
  open(receiver: BusReceiver, options?: BusCallOptions): Promise<void>;
  /**
   * Resolves once the broker has accepted `frame`. Never hangs: it settles at the latest when the confirm timeout passes.
   * @throws {BusError} `BUS_NOT_OPEN`, `BUS_INTERRUPTED`, `BUS_FRAME_TOO_LARGE`, `BUS_REJECTED`, `BUS_UNCONFIRMED`
   * @throws {TypeError} if `frame` is not printable ASCII text
   */
  publish(frame: Frame, options?: PublishOptions): Promise<void>;
  /** Detaches for good. Idempotent; `receiver` hears nothing from the moment of the call. */
  close(): Promise<void>;
}

/** Called synchronously, in order, one at a time. Must not throw: what it throws is contained and reported. */
export interface BusReceiver {
  onFrame(frame: Frame): void;
  /** A message on the channel that carries no frame: a person typing in the room, a plain JMS or AMQP producer. */
  onForeign(message: ForeignMessage): void;
  onContinuity(event: ContinuityEvent): void;
}

export interface ForeignMessage {
  /** The text, unchanged: any Unicode. */
  readonly text: string;
  /** Names the message; the same for every receiver where the broker can do that, otherwise derived from its content. */
  readonly id: string;
  /** Who sent it, in the broker's own words, where it says so. */
  readonly sender?: string;
  /** When it was sent, in ms since the epoch, where the broker says that it is not fresh. */
  readonly sentAt?: number;
}

/** Whether what was heard is all there was to hear. */
export type ContinuityEvent =
  /** Detached; trying again. */
  | { readonly type: 'interrupted'; readonly cause: BusError }
  /** Attached again; comes before any frame of the new attachment. */
  | { readonly type: 'resumed'; readonly loss: 'none' | 'possible' }
  /** Attached throughout, yet frames were dropped. */
  | { readonly type: 'gap'; readonly cause: BusError }
  /** Gave up for good; the bus is closed. */
  | { readonly type: 'failed'; readonly cause: BusError };

export interface BusCapabilities {
  /** The order in which a receiver hears frames: none, each publisher's own, or one order for all receivers. */
  readonly ordering: 'none' | 'publisher' | 'total';
  /** Can an interruption end without loss? */
  readonly resumption: boolean;
  /** The longest frame that `publish` takes, in bytes. */
  readonly maxFrameBytes: number;
  /** How many frames of one publisher should await the broker's word at a time, from 1 to 256. Default 96. */
  readonly framesInFlight?: number;
}

export type BusState = 'idle' | 'opening' | 'open' | 'interrupted' | 'closing' | 'closed';

export interface BusCallOptions {
  /** Ends the wait; the call rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

export interface PublishOptions extends BusCallOptions {
  /** What a person should see where the channel is also read by people; absent for control frames. */
  readonly summary?: string;
}
