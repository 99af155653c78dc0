/** Something that the test ends. */
export class Gate {
  #open: () => void = nothing;
  readonly promise: Promise<void> = new Promise((resolve) => {
    this.#open = resolve;
  });

  open(): void {
    this.#open();
  }
}

function nothing(): void {}
