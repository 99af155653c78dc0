/** An invariant that did not hold. It ends its schedule. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Of PROTOCOL 8.4, as listed in docs/simulation.md. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Told of every invariant that does not hold; throws, unless only others are being looked at. */
export type Complain = (invariant: string, message: string) => void;

/** Throws a `Violation` for the invariants in `only`, or for every one. */
export function complainOf(only: ReadonlySet<string> | undefined): Complain {
  return (invariant, message) => {
    if (only === undefined || only.has(invariant)) throw new Violation(invariant, message);
  };
}
