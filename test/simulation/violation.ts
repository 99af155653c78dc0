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
