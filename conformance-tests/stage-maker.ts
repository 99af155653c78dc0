import type { Address } from './address.ts';
import { waitsOf, type BusFixture } from './fixture.ts';
import { Stage } from './stage.ts';

/** Starting a broker may mean starting a Java or Erlang machine on a busy computer. */
export const BROKER_START_MS = 180_000;

/** Where the broker of each fixture listens: asked once, however many suites use the fixture. */
const brokers = new WeakMap<BusFixture, Promise<Address | undefined>>();

/** Asks for the broker once, and gives every test a stage of its own. */
export class StageMaker {
  readonly #fixture: BusFixture;

  constructor(fixture: BusFixture) {
    this.#fixture = fixture;
  }

  ready(): Promise<Address | undefined> {
    const known = brokers.get(this.#fixture);
    if (known !== undefined) return known;
    const asked = ask(this.#fixture);
    brokers.set(this.#fixture, asked);
    return asked;
  }

  async run(act: (stage: Stage) => Promise<void>): Promise<void> {
    const fixture = this.#fixture;
    const stage = new Stage({ fixture, waits: waitsOf(fixture), broker: await this.ready() });
    try {
      await act(stage);
    } catch (error) {
      // What the rule found matters more than what tidying up after it finds.
      await stage.close().catch(() => undefined);
      throw error;
    }
    await stage.close();
  }
}

async function ask({ broker }: BusFixture): Promise<Address | undefined> {
  return typeof broker === 'function' ? broker() : broker;
}
