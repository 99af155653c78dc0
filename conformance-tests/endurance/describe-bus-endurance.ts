import { before, describe, it } from 'mocha';
import type { Address } from '../address.ts';
import { waitsOf, type BusFixture } from '../fixture.ts';
import { needsFaults, needsSwallow } from '../rule-test.ts';
import type { Stage } from '../stage.ts';
import { BROKER_START_MS, StageMaker } from '../stage-maker.ts';
import { ENDURANCE_TITLE, PENDING_MARK } from '../suite-titles.ts';
import { brokerAway, brokerDoesNotRead, manyCuts } from './away.ts';
import { enduranceBook, type EnduranceId } from './endurance-book.ts';
import { otherProtocols, strangePeers } from './strange-peers.ts';

export interface EnduranceOptions {
  /** How many cuts EN-01 makes. Default 200. */
  readonly rounds?: number;
  /** Brokers of other protocols, by name: each must be refused (EN-04). */
  readonly otherBrokers?: () => Promise<Readonly<Record<string, Address>>>;
  /** Parts that the bus cannot show, each with the reason. */
  readonly pending?: Readonly<Partial<Record<EnduranceId, string>>>;
}

const MOST_MS = 300_000;

/**
 * Beyond the contract: what a bus must live through in months of operation, in a few seconds. Takes the
 * fixture of `describeInvalidationBus`; run it once per adapter.
 */
export function describeBusEndurance(
  name: string,
  fixture: BusFixture,
  options: EnduranceOptions = {},
): void {
  const waits = waitsOf(fixture);
  const { rounds = 200, otherBrokers, pending = {} } = options;
  const parts: Readonly<Record<EnduranceId, Part>> = {
    'EN-01': { obstacle: needsFaults(fixture), run: (stage) => manyCuts(stage, rounds) },
    'EN-02': { obstacle: needsFaults(fixture), run: brokerAway },
    'EN-03': { obstacle: needsBroker(fixture), run: strangePeers },
    'EN-04': {
      obstacle: needsBroker(fixture),
      run: async (stage) => otherProtocols(stage, (await otherBrokers?.()) ?? {}),
    },
    'EN-05': { obstacle: needsSwallow(fixture), run: brokerDoesNotRead },
  };
  describe(`${ENDURANCE_TITLE}${name}`, () => {
    const stages = new StageMaker(fixture);
    before(async function startBroker() {
      this.timeout(BROKER_START_MS);
      await stages.ready();
    });
    for (const [id, { obstacle, run }] of entriesOf(parts)) {
      const title = `${id} ${enduranceBook[id].title}`;
      const reason = pending[id] ?? obstacle;
      if (reason !== undefined) {
        it(`${title}${PENDING_MARK}${reason}]`);
        continue;
      }
      it(title, async function runPart() {
        this.timeout(Math.max(MOST_MS, waits.patienceMs * 8));
        await stages.run(run);
      });
    }
  });
}

interface Part {
  readonly obstacle: string | undefined;
  readonly run: (stage: Stage) => Promise<void>;
}

function needsBroker(fixture: BusFixture): string | undefined {
  return fixture.broker === undefined ? 'the bus dials no address' : undefined;
}

function entriesOf(parts: Readonly<Record<EnduranceId, Part>>): [EnduranceId, Part][] {
  const ids: readonly EnduranceId[] = ['EN-01', 'EN-02', 'EN-03', 'EN-04', 'EN-05'];
  return ids.map((id) => [id, parts[id]]);
}
