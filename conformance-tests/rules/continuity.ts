import { expect } from 'chai';
import type { Heard, Member } from '../member.ts';
import { needsFaults, needsSwallow, type RuleTest } from '../rule-test.ts';
import { expectRefusal, settlesAtOnce } from '../settlement.ts';
import type { Stage } from '../stage.ts';

export const continuityRules: readonly RuleTest[] = [
  {
    rule: 'IB-30',
    obstacle: needsFaults,
    async run(stage) {
      const member = await stage.join();
      await member.line.sever();
      const { cause } = await member.hears('interrupted');
      expect(cause).to.have.property('name', 'BusError');
      expect(member.bus.state).to.equal('interrupted');
      // Some attempts fail while the line is cut: they are one outage all the same.
      const { proxy } = member.line;
      if (proxy !== undefined) await stage.within('attempts to attach', proxy.untilRefused(2));
      await member.line.heal();
      await member.hears('resumed');
      const types = member.continuity().map(({ type }) => type);
      expect(types).to.deep.equal(['interrupted', 'resumed']);
      expect(member.bus.state).to.equal('open');
      await stage.sentinel(member, [member]);
    },
  },
  {
    rule: 'IB-31',
    obstacle: needsFaults,
    async run(stage) {
      const [member, witness] = await Promise.all([stage.join(), stage.join()]);
      await member.line.sever();
      await member.hears('interrupted');
      const settlement = await settlesAtOnce(member.bus.publish('while interrupted'));
      expect(settlement, 'publish settles at once').to.not.equal(undefined);
      const error = expectRefusal('publish', settlement, 'BUS_INTERRUPTED');
      expect(error.outcome).to.equal('not-sent');
      await member.line.heal();
      await member.hears('resumed');
      await stage.sentinel(member, [member, witness]);
      expect(witness.times('while interrupted'), 'sent all the same').to.equal(0);
    },
  },
  {
    rule: 'IB-32',
    obstacle: needsFaults,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      for (let round = 0; round < 3; round += 1) {
        const mark = member.heard.length;
        await member.line.sever();
        await member.hears('interrupted', { from: mark });
        await stage.publish(publisher, `round ${round} while away`);
        await member.line.heal();
        const streaming = publishUntil(stage, publisher, `round ${round}`, () =>
          member.continuity(mark).some(({ type }) => type === 'resumed'),
        );
        await member.hears('resumed', { from: mark });
        await streaming;
        await stage.sentinel(publisher, [member]);
        const since = member.heard.slice(mark).map((heard) => labelOf(heard));
        const interrupted = since.indexOf('interrupted');
        expect(since[interrupted + 1], 'what came next after `interrupted`').to.equal('resumed');
      }
    },
  },
  {
    rule: 'IB-33',
    aspect: 'missed while away',
    obstacle: needsFaults,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      await member.line.sever();
      await member.hears('interrupted');
      await stage.publish(publisher, 'while away');
      await member.line.heal();
      const { loss } = await member.hears('resumed');
      await stage.sentinel(publisher, [member]);
      if (member.times('while away') === 0) expect(loss, 'a frame was missed').to.equal('possible');
    },
  },
  {
    rule: 'IB-33',
    aspect: 'every hole in a stream that was cut five times is owned up to',
    obstacle: needsFaults,
    patience: 8,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      let done = false;
      const streaming = publishUntil(stage, publisher, 'stream', () => done);
      for (let cut = 0; cut < 5; cut += 1) {
        const mark = member.heard.length;
        await member.line.cut();
        await member.hears('interrupted', { from: mark });
        await member.hears('resumed', { from: mark });
      }
      done = true;
      const frames = await streaming;
      await stage.sentinel(publisher, [member]);
      const missed = frames.filter((frame) => member.times(frame) === 0);
      expect(unexplained(member, frames), `of ${missed.length} frames missed`).to.deep.equal([]);
    },
  },
  {
    rule: 'IB-34',
    obstacle: needsFaults,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      const { resumption } = member.bus.capabilities;
      expect(resumption).to.be.a('boolean');
      for (let round = 0; round < 3; round += 1) {
        await stage.sentinel(publisher, [member]);
        const mark = member.heard.length;
        const frames = Array.from({ length: 10 }, (_, index) => `round ${round} frame ${index}`);
        const publishing = resumption ? stage.publish(publisher, ...frames) : Promise.resolve();
        await member.line.cut();
        await publishing;
        const { loss } = await member.hears('resumed', { from: mark });
        expect(loss).to.equal(resumption ? 'none' : 'possible');
        await stage.sentinel(publisher, [member]);
        if (!resumption) continue;
        const missed = frames.filter((frame) => member.times(frame) === 0);
        expect(missed, 'lost though `loss: none`').to.deep.equal([]);
      }
    },
  },
  {
    rule: 'IB-35',
    obstacle: needsFaults,
    patience: 8,
    async run(stage) {
      const [member, publisher] = await Promise.all([stage.join(), stage.join()]);
      await stage.sentinel(member, [member, publisher]);
      const connections = member.line.proxy?.connections;
      for (let cut = 0; cut < 10; cut += 1) {
        const mark = member.heard.length;
        await member.line.cut();
        await member.hears('interrupted', { from: mark });
        await member.hears('resumed', { from: mark });
      }
      const first = await stage.sentinel(publisher, [member]);
      const second = await stage.sentinel(member, [member, publisher]);
      const last = await stage.sentinel(publisher, [member, publisher]);
      const times = [first, second, last].map((frame) => member.times(frame));
      expect(times, 'how often each frame was heard').to.deep.equal([1, 1, 1]);
      expect(member.line.proxy?.connections, 'connections').to.equal(connections);
    },
  },
  {
    rule: 'IB-36',
    obstacle: needsSwallow,
    patience: 8,
    async run(stage) {
      const { halfOpenWithinMs } = stage.waits;
      const [silent, deaf, publisher] = await Promise.all([
        stage.join(),
        stage.join(),
        stage.join(),
      ]);
      await stage.sentinel(publisher, [silent, deaf, publisher]);
      await silent.line.swallow();
      // Where it can be done: frames still go out, none comes in.
      if (deaf.line.proxy === undefined) await deaf.line.swallow();
      else deaf.line.proxy.swallow('toBus');
      await Promise.all(
        [silent, deaf].map((member) => member.hears('interrupted', { withinMs: halfOpenWithinMs })),
      );
      await Promise.all([silent.line.heal(), deaf.line.heal()]);
      await Promise.all([silent.hears('resumed'), deaf.hears('resumed')]);
      await stage.sentinel(publisher, [silent, deaf]);
    },
  },
];

const MOST_STREAMED_FRAMES = 20_000;

/** Publishes one frame after the other until `done`; resolves with what was published. */
async function publishUntil(
  stage: Stage,
  publisher: Member,
  prefix: string,
  done: () => boolean,
): Promise<string[]> {
  const frames: string[] = [];
  while (!done() && frames.length < MOST_STREAMED_FRAMES) {
    const frame = `${prefix} ${frames.length}`;
    await stage.publish(publisher, frame);
    frames.push(frame);
    // A bus that confirms at once must not keep the line's own events from happening.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return frames;
}

/** The frames missed for which nothing between their neighbours says that something may be missing. */
function unexplained(member: Member, published: readonly string[]): string[] {
  const positions = new Map(published.map((frame, index) => [frame, index]));
  const orderly = member.bus.capabilities.ordering !== 'none';
  const explained = new Set<number>();
  let reached = 0;
  let owned = false;
  for (const heard of member.heard) {
    if (heard.kind === 'continuity') {
      const { event } = heard;
      if (event.type === 'gap' || (event.type === 'resumed' && event.loss === 'possible')) {
        owned = true;
      }
      continue;
    }
    const position = heard.kind === 'frame' ? positions.get(heard.frame) : undefined;
    if (position === undefined) continue;
    if (owned) for (let hole = reached; hole < position; hole += 1) explained.add(hole);
    if (orderly) owned = false;
    reached = orderly ? position + 1 : 0;
  }
  if (owned) for (let hole = reached; hole < published.length; hole += 1) explained.add(hole);
  return published.filter((frame, index) => member.times(frame) === 0 && !explained.has(index));
}

function labelOf(heard: Heard): string {
  if (heard.kind === 'continuity') return heard.event.type;
  return heard.kind === 'frame' ? `frame ${heard.frame}` : 'foreign';
}
