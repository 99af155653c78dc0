import { expect } from 'chai';
import { inspect } from 'node:util';
import type { Member } from '../member.ts';
import { handlesGone, openHandles } from '../open-handles.ts';
import { canSwallow, needsFaults, type RuleTest } from '../rule-test.ts';
import { expectRefusal, settles, type Settlement } from '../settlement.ts';
import type { Stage } from '../stage.ts';

export const lifecycleRules: readonly RuleTest[] = [
  {
    rule: 'IB-10',
    async run(stage) {
      const witness = await stage.join();
      const member = await stage.place();
      const early = expectRefusal(
        'publish before open',
        await tryPublish(stage, member),
        'BUS_NOT_OPEN',
      );
      expect(early.outcome).to.equal('not-sent');
      await tryOpen(stage, member);
      await stage.within('close', member.bus.close());
      const late = expectRefusal(
        'publish after close',
        await tryPublish(stage, member),
        'BUS_NOT_OPEN',
      );
      expect(late.outcome).to.equal('not-sent');
      const sentinel = await stage.sentinel(witness, [witness]);
      expect(witness.frames()).to.deep.equal([sentinel]);
    },
  },
  {
    rule: 'IB-11',
    aspect: 'opened twice',
    async run(stage) {
      const member = await stage.place();
      expect(member.bus.state).to.equal('idle');
      const opening = tryOpen(stage, member);
      expectRefusal('open while opening', await tryOpen(stage, member), 'BUS_ALREADY_OPENED');
      expect((await opening).state).to.equal('resolved');
      expect(member.bus.state).to.equal('open');
      expectRefusal('open while open', await tryOpen(stage, member), 'BUS_ALREADY_OPENED');
      await stage.sentinel(member, [member]);
      await stage.within('close', member.bus.close());
      expectRefusal('open after close', await tryOpen(stage, member), 'BUS_ALREADY_OPENED');
    },
  },
  {
    rule: 'IB-11',
    aspect: 'after a failure',
    obstacle: needsFaults,
    async run(stage) {
      const member = await stage.placeOutOfReach();
      expect((await tryOpen(stage, member)).state).to.equal('rejected');
      expect(member.bus.state).to.equal('closed');
      await member.line.heal();
      expectRefusal('open after a failed open', await tryOpen(stage, member), 'BUS_ALREADY_OPENED');
      expectRefusal('publish', await tryPublish(stage, member), 'BUS_NOT_OPEN');
      expect(member.heard, 'told to the receiver of a failed open').to.deep.equal([]);
    },
  },
  {
    rule: 'IB-12',
    obstacle: needsFaults,
    async run(stage) {
      const member = await stage.placeOutOfReach();
      const error = expectRefusal('open', await tryOpen(stage, member), 'BUS_UNREACHABLE');
      expect(error.outcome).to.equal('not-sent');
    },
  },
  {
    rule: 'IB-13',
    obstacle: ({ wrongCredential }) =>
      wrongCredential === undefined ? 'the fixture has no `wrongCredential`' : undefined,
    async run(stage) {
      const { wrongCredential, wrongSecret } = stage.fixture;
      const member = await stage.place({
        make: (place) => wrongCredential?.(place) ?? stage.fixture.createBus(place),
      });
      const error = expectRefusal('open', await tryOpen(stage, member), 'BUS_ACCESS_DENIED');
      expect(error.outcome).to.equal('not-sent');
      expect(member.bus.state).to.equal('closed');
      if (wrongSecret === undefined) return;
      const everything = inspect(error, { depth: 12, showHidden: true });
      expect(everything.includes(wrongSecret), 'the error shows the secret').to.equal(false);
    },
  },
  ...(['idle', 'opening', 'open', 'interrupted', 'closed'] as const).map(closesWhile),
  {
    rule: 'IB-15',
    async run(stage) {
      const witness = await stage.join();
      const leaver = await stage.join();
      await stage.sentinel(witness, [witness, leaver]);
      const busy = stage.publish(witness, ...Array.from({ length: 50 }, (_, i) => `during ${i}`));
      await stage.within('close', leaver.bus.close());
      const heard = leaver.heard.length;
      await busy;
      await stage.publish(witness, ...Array.from({ length: 20 }, (_, i) => `after ${i}`));
      await stage.sentinel(witness, [witness]);
      expect(leaver.heard.slice(heard), 'heard after close').to.deep.equal([]);
    },
  },
  {
    rule: 'IB-16',
    async run(stage) {
      const [stays, leaves, elsewhere] = await Promise.all([
        stage.join(),
        stage.join(),
        stage.join({ channel: `${stage.channel}-2` }),
      ]);
      await stage.within('close', leaves.bus.close());
      await stage.sentinel(stays, [stays]);
      await stage.sentinel(elsewhere, [elsewhere]);
      const late = await stage.join();
      await stage.sentinel(stays, [stays, late]);
      expect([stays.bus.state, elsewhere.bus.state]).to.deep.equal(['open', 'open']);
      expect([...stays.continuity(), ...elsewhere.continuity()]).to.deep.equal([]);
    },
  },
];

type ClosedIn = 'idle' | 'opening' | 'open' | 'interrupted' | 'closed';

interface Pending {
  readonly end: () => Promise<Settlement<void>>;
}

function closesWhile(state: ClosedIn): RuleTest {
  return {
    rule: 'IB-14',
    aspect: `while ${state}`,
    ...(state === 'interrupted' ? { obstacle: needsFaults } : {}),
    async run(stage) {
      // A first bus comes and goes, so that what a client library makes once per process is there already.
      const warmUp = await stage.join();
      await stage.within('close', warmUp.bus.close());
      const member = await stage.place();
      await connectionsGone(stage, warmUp);
      const before = openHandles();
      const opening = await bringTo[state](stage, member);
      const closing = [member.bus.close(), member.bus.close()];
      await stage.within(`close while ${state}`, Promise.all(closing));
      await stage.within('close again', member.bus.close());
      expect(member.bus.state).to.equal('closed');
      if (opening !== undefined) {
        expect((await opening.end()).state, 'an open that was closed meanwhile').to.equal(
          'rejected',
        );
      }
      await member.line.heal();
      await connectionsGone(stage, member);
      await handlesGone(before, stage.waits.patienceMs);
    },
  };
}

/** Brings a bus into a state; where it is left opening, what is returned waits for the end of that. */
const bringTo: Readonly<
  Record<ClosedIn, (stage: Stage, member: Member) => Promise<Pending | undefined>>
> = {
  async idle() {
    return undefined;
  },
  async opening(stage, member) {
    if (canSwallow(stage.fixture)) await member.line.swallow();
    const opening = tryOpen(stage, member);
    return { end: () => opening };
  },
  async open(stage, member) {
    await stage.within('open', member.bus.open(member.receiver));
    return undefined;
  },
  async interrupted(stage, member) {
    await stage.within('open', member.bus.open(member.receiver));
    await member.line.sever();
    await member.hears('interrupted');
    return undefined;
  },
  async closed(stage, member) {
    await stage.within('open', member.bus.open(member.receiver));
    await stage.within('close', member.bus.close());
    return undefined;
  },
};

/** Both sides of every connection, seen from the proxy: the broker's side closes a moment later. */
async function connectionsGone(stage: Stage, { name, line }: Member): Promise<void> {
  const idle = line.proxy?.untilIdle();
  if (idle !== undefined) await stage.within(`the end of every connection of ${name}`, idle);
}

function tryOpen(stage: Stage, member: Member): Promise<Settlement<void>> {
  return settles('open', member.bus.open(member.receiver), stage.waits.patienceMs);
}

function tryPublish(stage: Stage, member: Member): Promise<Settlement<void>> {
  return settles('publish', member.bus.publish('must not be sent'), stage.waits.patienceMs);
}
