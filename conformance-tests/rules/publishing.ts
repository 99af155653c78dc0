import { expect } from 'chai';
import { BusError } from '../../src/index.ts';
import type { Member } from '../member.ts';
import { canSwallow, needsFaults, needsSwallow, type RuleTest } from '../rule-test.ts';
import { settles, type Settlement } from '../settlement.ts';
import type { Stage } from '../stage.ts';

export const publishingRules: readonly RuleTest[] = [
  {
    rule: 'IB-20',
    obstacle: needsFaults,
    async run(stage) {
      const [publisher, witness] = await Promise.all([stage.join(), stage.join()]);
      for (const [round, breakLine] of cuts(publisher).entries()) {
        const mark = publisher.heard.length;
        const frames = Array.from({ length: 20 }, (_, index) => `round ${round} frame ${index}`);
        const publishing = frames.map((frame) => publisher.bus.publish(frame));
        const settling = settleAll(stage, publishing);
        await breakLine();
        const settlements = await settling;
        // A line that was to break in the middle may have carried everything before it could.
        await publisher.line.cut();
        await publisher.hears('resumed', { from: mark });
        await publisher.line.heal();
        await hearsResolved(witness, frames, settlements);
        await stage.sentinel(publisher, [witness]);
        for (const [index, settlement] of settlements.entries()) {
          if (settlement.state === 'rejected' && isNotSent(settlement.error)) {
            expect(witness.times(frames[index] ?? ''), `heard though not sent`).to.equal(0);
          }
        }
      }
    },
  },
  {
    rule: 'IB-21',
    obstacle: needsFaults,
    async run(stage) {
      const [publisher, witness] = await Promise.all([stage.join(), stage.join()]);
      if (canSwallow(stage.fixture)) await publisher.line.swallow();
      const frames = Array.from({ length: 50 }, (_, index) => `in flight ${index}`);
      const settling = settleAll(
        stage,
        frames.map((frame) => publisher.bus.publish(frame)),
      );
      await publisher.line.sever();
      const settlements = await settling;
      await publisher.hears('interrupted');
      for (const settlement of settlements) {
        if (settlement.state === 'resolved') continue;
        const { error } = settlement;
        if (!(error instanceof BusError))
          throw new Error('publish rejected with no BusError', { cause: error });
        expect(error.code).to.be.oneOf(['BUS_UNCONFIRMED', 'BUS_INTERRUPTED', 'BUS_REJECTED']);
      }
      await hearsResolved(witness, frames, settlements);
    },
  },
  {
    rule: 'IB-22',
    aspect: 'aborted before the call',
    async run(stage) {
      const reason = new Error('the caller has changed its mind');
      const signal = AbortSignal.abort(reason);
      const never = await stage.place();
      expectAborted(await tryCall(stage, never.bus.open(never.receiver, { signal })), reason);
      expect(never.bus.state).to.equal('closed');
      const member = await stage.join();
      expectAborted(await tryCall(stage, member.bus.publish('aborted', { signal })), reason);
      const sentinel = await stage.sentinel(member, [member]);
      expect(member.frames(), 'an aborted frame was sent').to.deep.equal([sentinel]);
    },
  },
  {
    rule: 'IB-22',
    aspect: 'aborted in flight',
    obstacle: needsSwallow,
    async run(stage) {
      const member = await stage.join();
      const opening = await stage.place();
      await Promise.all([member.line.swallow(), opening.line.swallow()]);
      const reason = new Error('the caller has waited long enough');
      const abort = new AbortController();
      const { signal } = abort;
      const open = tryCall(stage, opening.bus.open(opening.receiver, { signal }));
      const publish = tryCall(stage, member.bus.publish('stuck', { signal }));
      setImmediate(() => {
        abort.abort(reason);
      });
      expectAborted(await open, reason);
      expectAborted(await publish, reason);
      expect(opening.bus.state).to.equal('closed');
      await opening.line.heal();
      await member.line.heal();
      await stage.sentinel(await stage.join(), [member]);
      expect(opening.heard, 'told to the receiver of an aborted open').to.deep.equal([]);
    },
  },
];

/** The ways in which a line breaks under frames that are on their way. */
function cuts(publisher: Member): (() => Promise<void>)[] {
  const { line } = publisher;
  const { proxy } = line;
  if (proxy === undefined) return [line.cut, line.cut];
  const breakAfter = (bytes: number) => async (): Promise<void> => {
    proxy.breakAfter({ bytes, direction: 'toBroker', how: 'cut' });
  };
  const yielding = async (): Promise<void> => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    proxy.cut();
  };
  return [line.cut, yielding, breakAfter(7), breakAfter(333)];
}

async function settleAll(
  stage: Stage,
  publishing: readonly Promise<void>[],
): Promise<Settlement<void>[]> {
  return Promise.all(publishing.map((work) => tryCall(stage, work)));
}

function tryCall(stage: Stage, work: Promise<void>): Promise<Settlement<void>> {
  return settles('the call', work, stage.waits.patienceMs);
}

async function hearsResolved(
  witness: Member,
  frames: readonly string[],
  settlements: readonly Settlement<void>[],
): Promise<void> {
  const resolved = frames.filter((_, index) => settlements[index]?.state === 'resolved');
  await Promise.all(resolved.map((frame) => witness.hearsFrame(frame)));
}

function isNotSent(error: unknown): boolean {
  return error instanceof BusError && error.outcome === 'not-sent';
}

function expectAborted(settlement: Settlement<void>, reason: Error): void {
  expect(settlement.state).to.equal('rejected');
  expect(
    settlement.state === 'rejected' && settlement.error === reason,
    'rejected with the reason',
  ).to.equal(true);
}
