import { expect } from 'chai';
import type { Member } from '../member.ts';
import type { RuleTest } from '../rule-test.ts';
import { expectRefusal, settles } from '../settlement.ts';
import type { Stage } from '../stage.ts';

const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(
  '',
);

/** What some broker, parser or console is tempted to change. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '  leading, trailing and  double spaces  ',
  PRINTABLE,
  ']]>',
  '<![CDATA[x]]>',
  '</body></message></stream:stream>',
  '&amp;&lt;&#0;',
  '"double" \'single\' `back`',
  String.raw`\ \\ \n \r \c \0 \u0000 \x00`,
  '{"v":1,"t":"inv","k":{"article":["42"]}}',
  'null',
  '0',
  '%00%0a%s',
  'content-length:0',
  '__proto__',
  '='.repeat(2_000),
];

const ODD_NAMES: readonly string[] = [
  'a b',
  'a_b',
  'a%20b',
  'a/b',
  'a.b',
  'a#b',
  'a:b',
  'a@b',
  'é',
  'e',
];

const FOREIGN_TEXTS: readonly string[] = [
  'article:42',
  'é, 漢字, 🎉 and עברית',
  ' two  spaces ',
  '<b>bold</b> & "quoted" ]]>',
  '{"v":1,"ns":"shop","t":"inv","o":"a/b","s":1,"f":1}',
  'first line\nsecond line',
  String.raw`\u0000 \n`,
];

export const deliveryRules: readonly RuleTest[] = [
  {
    rule: 'IB-01',
    async run(stage) {
      const members = await stage.joinMany(3);
      await Promise.all(members.map((member) => stage.publish(member, `by ${member.name}`)));
      await Promise.all(
        members.flatMap((member) => members.map(({ name }) => member.hearsFrame(`by ${name}`))),
      );
    },
  },
  {
    rule: 'IB-02',
    async run(stage) {
      const first = await stage.join();
      for (let round = 0; round < 3; round += 1) {
        const late = await stage.join();
        await Promise.all([
          stage.publish(first, `to the late one ${round}`),
          stage.publish(late, `by the late one ${round}`),
        ]);
        await late.hearsFrame(`to the late one ${round}`);
        await late.hearsFrame(`by the late one ${round}`);
      }
    },
  },
  {
    rule: 'IB-03',
    async run(stage) {
      const members = await stage.joinMany(2);
      const frames = members.flatMap(({ name }) => numbered(name, 25));
      await Promise.all(
        members.map((member) => stage.publish(member, ...numbered(member.name, 25))),
      );
      for (const member of members) await stage.sentinel(member, members);
      for (const member of members) {
        const repeated = frames.filter((frame) => member.times(frame) !== 1);
        expect(repeated, `frames that ${member.name} did not hear exactly once`).to.deep.equal([]);
        expect(member.continuity(), 'continuity events on an undisturbed line').to.deep.equal([]);
      }
    },
  },
  {
    rule: 'IB-04',
    async run(stage) {
      const [publisher, other] = await pair(stage);
      const texts = TEXTS.filter((text) => text.length <= publisher.bus.capabilities.maxFrameBytes);
      for (const text of texts) await stage.publish(publisher, text);
      const last = await stage.sentinel(publisher, [publisher, other]);
      for (const member of [publisher, other]) {
        await member.until(
          `${texts.length} frames`,
          () => member.frames().length >= texts.length + 1,
        );
        expect(member.frames().toSorted()).to.deep.equal([...texts, last].toSorted());
      }
    },
  },
  {
    rule: 'IB-05',
    async run(stage) {
      const [publisher, other] = await pair(stage);
      const { maxFrameBytes } = publisher.bus.capabilities;
      expect(maxFrameBytes).to.be.a('number').that.is.at.least(1_024);
      const longest = `<&"\\${'x'.repeat(maxFrameBytes - 4)}`;
      await stage.publish(publisher, longest);
      await other.until(`a frame of ${maxFrameBytes} bytes`, () => other.times(longest) > 0);
      const refused = await settles(
        'the publishing of a frame one byte too long',
        publisher.bus.publish(`${longest}x`),
        stage.waits.patienceMs,
      );
      const error = expectRefusal('publish', refused, 'BUS_FRAME_TOO_LARGE');
      expect(error.outcome).to.equal('not-sent');
      await stage.sentinel(publisher, [publisher, other]);
      expect(other.frames().filter((frame) => frame.length > maxFrameBytes)).to.deep.equal([]);
      expect(publisher.continuity()).to.deep.equal([]);
    },
  },
  {
    rule: 'IB-06',
    async run(stage) {
      const long = stage.channel.padEnd(199, 'x');
      const channels = [
        stage.channel,
        ...ODD_NAMES.map((name) => `${stage.channel}${name}`),
        `${long}1`,
        `${long}2`,
      ];
      const members = await Promise.all(channels.map((channel) => stage.join({ channel })));
      await Promise.all(members.map((member, index) => stage.publish(member, `in ${index}`)));
      await Promise.all(members.map((member) => stage.sentinel(member, [member])));
      members.forEach((member, index) => {
        const heard = member.frames().filter((frame) => frame.startsWith('in '));
        expect(heard, `heard in ${JSON.stringify(channels[index])}`).to.deep.equal([`in ${index}`]);
      });
    },
  },
  {
    rule: 'IB-07',
    async run(stage) {
      const members = await stage.joinMany(3);
      const heard = await hearEachOther(stage, members, 100);
      const { ordering } = firstOf(members).bus.capabilities;
      heard.forEach((frames, index) => {
        for (const { name } of members) {
          const own = frames.filter((frame) => frame.startsWith(`${name} `));
          const published = numbered(name, 100);
          if (ordering === 'none') expect(own).to.have.members(published);
          else expect(own, `frames of ${name} heard by receiver ${index}`).to.deep.equal(published);
        }
      });
    },
  },
  {
    rule: 'IB-08',
    async run(stage) {
      const members = await stage.joinMany(3);
      const [reference, ...others] = await hearEachOther(stage, members, 100);
      const { ordering } = firstOf(members).bus.capabilities;
      for (const frames of others) {
        if (ordering === 'total') expect(frames).to.deep.equal(reference);
        else expect(frames).to.have.members(reference ?? []);
      }
    },
  },
  {
    rule: 'IB-09',
    obstacle: ({ foreign }) =>
      foreign === undefined ? 'the fixture does not say how to send one (`foreign`)' : undefined,
    async run(stage) {
      const members = await pair(stage);
      const [publisher] = members;
      for (const text of FOREIGN_TEXTS) {
        await stage.fixture.foreign?.(stage.brokerPlace(), text);
        for (const member of members) {
          await member.until(`the foreign text ${JSON.stringify(text)}`, () =>
            member.foreign().some((message) => message.text === text),
          );
        }
      }
      const sentinel = await stage.sentinel(publisher, members);
      for (const member of members) {
        expect(member.frames()).to.deep.equal([sentinel]);
        expect(member.foreign().map(({ text }) => text)).to.have.members(FOREIGN_TEXTS);
      }
      const [ids, others] = members.map((member) =>
        member
          .foreign()
          .map(({ id }) => id)
          .toSorted(),
      );
      expect(ids, 'a message has one id for all receivers').to.deep.equal(others);
      for (const id of ids ?? []) expect(id).to.be.a('string').with.length.above(0);
    },
  },
];

async function pair(stage: Stage): Promise<readonly [Member, Member]> {
  return Promise.all([stage.join(), stage.join()]);
}

function firstOf(members: readonly Member[]): Member {
  const [first] = members;
  if (first === undefined) throw new Error('a stage without members');
  return first;
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} ${index}`);
}

/** Everybody publishes at the same time; resolves with what each heard, once each has heard everything. */
async function hearEachOther(
  stage: Stage,
  members: readonly Member[],
  count: number,
): Promise<string[][]> {
  await Promise.all(
    members.map((member) => stage.publish(member, ...numbered(member.name, count))),
  );
  const all = members.length * count;
  await Promise.all(
    members.map((member) => member.until(`${all} frames`, () => member.heard.length >= all)),
  );
  return members.map((member) => member.frames());
}
