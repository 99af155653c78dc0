/** A broker that was started here: it can be broken on purpose. */
export interface Broker extends BrokerControls {
  readonly name: string;
  readonly host: '127.0.0.1';
  /** Its address as `unstale` takes it, with a user, a password and a channel. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  addUser(name: string, password: string): Promise<void>;
  setPassword(name: string, password: string): Promise<void>;
}

export interface BrokerControls {
  /** Everything that it writes. Removed by `stop`. */
  readonly folder: string;
  /** Starts it again after `kill` or `terminate`, on the same ports and data. */
  start(): Promise<void>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves once it is gone. */
  terminate(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay up and nobody answers. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** Ends it for good and removes its data. Idempotent. */
  stop(): Promise<void>;
  /** The last lines of its log. */
  logTail(): string;
  /** Processor time that it has used since it was started, in seconds; `undefined` where the system does not say. */
  processorSeconds(): number | undefined;
}
