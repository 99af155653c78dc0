import { expect } from 'chai';
import type { BusFixture, HostileMessage } from '../fixture.ts';
import { heapInUse } from '../heap-in-use.ts';
import type { RuleTest } from '../rule-test.ts';
import { needsFaults } from '../rule-test.ts';

const BURST = 5_000;
/** 5,000 frames of 100 bytes, two receivers, and what client libraries keep for each: well below, unless something piles up. */
const MAX_RETAINED_BYTES = 32 * 1024 * 1024;

export const robustnessRules: readonly RuleTest[] = [
  {
    rule: 'IB-40',
    obstacle: needsFaults,
    async run(stage) {
      const publisher = await stage.join();
      const thrower = await stage.join({
        tuning: { onReceiverError: () => undefined },
        onHeard() {
          throw badReceiver();
        },
      });
      await stage.sentinel(publisher, [publisher, thrower]);
      await stage.sentinel(thrower, [publisher, thrower]);
      expect(thrower.bus.state).to.equal('open');
      await thrower.line.cut();
      await thrower.hears('interrupted');
      await thrower.hears('resumed');
      await stage.sentinel(thrower, [publisher, thrower]);
      await stage.sentinel(publisher, [publisher, thrower]);
    },
  },
  {
    rule: 'IB-41',
    patience: 8,
    async run(stage) {
      const tuning = { confirmTimeoutMs: 60_000 };
      const [publisher, receiver] = await Promise.all([
        stage.join({ tuning }),
        stage.join({ tuning }),
      ]);
      await stage.sentinel(publisher, [publisher, receiver]);
      const before = heapInUse();
      const frames = Array.from({ length: BURST }, (_, index) => `${index}`.padEnd(100, '.'));
      await stage.within(
        'the publishing of the burst',
        Promise.all(frames.map((frame) => publisher.bus.publish(frame))),
        stage.waits.patienceMs * 4,
      );
      for (const member of [publisher, receiver]) {
        await member.until(
          `${BURST} frames`,
          // One more than the burst: the sentinel was heard before it.
          () => member.heard.length > BURST,
          stage.waits.patienceMs * 2,
        );
        const wrong = frames.filter((frame) => member.times(frame) !== 1);
        expect(wrong.length, 'frames not heard exactly once').to.equal(0);
        expect(member.continuity()).to.deep.equal([]);
      }
      expect(heapInUse() - before, 'bytes kept').to.be.lessThan(MAX_RETAINED_BYTES);
    },
  },
  {
    rule: 'IB-42',
    obstacle: ({ hostile, foreign }) =>
      hostile === undefined && foreign === undefined
        ? 'the fixture has neither `hostile` nor `foreign`'
        : undefined,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      for (const message of hostileOf(stage.fixture)) {
        const mark = member.heard.length;
        await message.send(stage.brokerPlace());
        await member.until(
          `anything about a hostile message (${message.name})`,
          () => member.heard.length > mark,
        );
        for (const one of [member, publisher]) {
          if (one.bus.state === 'interrupted') await one.hears('resumed', { from: mark });
        }
        await stage.sentinel(publisher, [member, publisher]);
        const unprintable = member.frames(mark).filter((frame) => /[^\x20-\x7e]/.test(frame));
        expect(unprintable, 'passed for a frame').to.deep.equal([]);
      }
    },
  },
  {
    rule: 'IB-43',
    patience: 6,
    async run(stage) {
      const members = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          stage.join({ channel: `${stage.channel}-${index}` }),
        ),
      );
      await Promise.all(members.map((member) => stage.publish(member, member.name)));
      await Promise.all(members.map((member) => stage.sentinel(member, [member])));
      const closing = members.splice(0, 10);
      await stage.within('ten closes', Promise.all(closing.map(({ bus }) => bus.close())));
      const [cut, ...others] = members;
      if (cut !== undefined && needsFaults(stage.fixture) === undefined) {
        await cut.line.cut();
        await cut.hears('resumed');
      }
      await Promise.all(others.map((member) => stage.sentinel(member, [member])));
      for (const member of others) {
        const [own, ...rest] = member.frames();
        expect(own, `first heard by ${member.name}`).to.equal(member.name);
        expect(rest).to.have.lengthOf(2);
        expect(member.continuity()).to.deep.equal([]);
      }
    },
  },
];

const HOSTILE_TEXTS: Readonly<Record<string, string>> = {
  'half a frame': '{"v":1,"ns":"shop","t":"inv","o":"',
  'deeply nested': '['.repeat(4_000),
  'a wrong version': '{"v":999999999999999999999,"t":"inv"}',
  'a prototype': '{"__proto__":{"polluted":true}}',
  'the end of the stream': '</body></message></stream:stream>',
  'every kind of quote': `'"\`\\"'\\`,
  'a text that reads right to left': '\u202E\u2066evil\u2069\u202C',
  'characters outside the basic plane': '\u{1F4A3}\u{10FFFD}',
};

function hostileOf(fixture: BusFixture): readonly HostileMessage[] {
  if (fixture.hostile !== undefined) return fixture.hostile;
  return Object.entries(HOSTILE_TEXTS).map(([name, text]) => ({
    name,
    send: (place) => fixture.foreign?.(place, text),
  }));
}

/** Without a stack: a bus that reports what a receiver throws need not fill the screen with it. */
function badReceiver(): Error {
  const error = new Error('thrown on purpose (IB-40)');
  error.stack = error.message;
  return error;
}
