/**
 * Where the members of a channel find their hub, and where one of them becomes it. What the operating system
 * guarantees, it must guarantee under any race: never two hubs at one place.
 */
export interface MeetingPlace {
  /** The same for all buses that meet here. */
  readonly key: string;
  /** The address of the hub, dead or alive, or `undefined` if nobody has claimed the place. */
  find(): Promise<string | undefined>;
  /** Removes the address of a hub that has been found dead. Never touches another one. */
  forget(address: string): Promise<void>;
  /**
   * Listens with `listen` and makes that the hub's address; `undefined` if somebody else was faster.
   * Nobody finds the address before the claim has succeeded.
   */
  claim(listen: (address: string) => Promise<void>): Promise<string | undefined>;
  /** Whether the hub's address can still be found; a hub that cannot be found must end. */
  stands(address: string): Promise<boolean>;
}
