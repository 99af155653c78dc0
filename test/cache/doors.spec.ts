import { expect } from 'chai';
import type { CacheSelection } from '../../src/index.ts';
import { BUSES } from './buses.ts';
import type { Region } from './member-main.ts';
import { MemberProcess, SystemOfRecord } from './member-process.ts';

interface Door {
  readonly name: string;
  /** How the load under way on B begins. */
  readonly load: 'get' | 'getMany' | 'refresh';
  /** How A tells of the change. */
  readonly tell: (key: string) => CacheSelection | 'region' | 'everything';
}

const DOORS: readonly Door[] = [
  { name: 'a single load, dropped by its key', load: 'get', tell: (key) => ({ keys: key }) },
  { name: 'a load of many, dropped by its key', load: 'getMany', tell: (key) => ({ keys: key }) },
  {
    name: 'a refresh ahead of expiry, dropped by its key',
    load: 'refresh',
    tell: (key) => ({ keys: key }),
  },
  { name: 'a load dropped by a tag', load: 'get', tell: (key) => ({ tags: `tag:${key}` }) },
  {
    name: 'a load dropped by a prefix',
    load: 'get',
    tell: (key) => ({ prefixes: key.slice(0, -1) }),
  },
  { name: 'a load dropped by its region', load: 'get', tell: () => 'region' },
  { name: 'a load dropped by everything', load: 'getMany', tell: () => 'everything' },
];

for (const { name, channel } of BUSES) {
  describe(`the doors of a cache, between two processes over ${name}`, function () {
    this.timeout(150_000);
    const record = new SystemOfRecord();
    let members: readonly MemberProcess[] = [];
    let remove: (() => void) | undefined;

    before(async () => {
      const made = await channel();
      remove = made.remove;
      members = await MemberProcess.cluster(2, { url: made.url, record, boundMs: 30_000 });
    });
    after(async () => {
      await Promise.all(members.map((member) => member.kill()));
      remove?.();
    });

    for (const [index, door] of DOORS.entries()) {
      it(`let no old value of ${door.name} in`, async () => {
        const [a, b] = members;
        if (a === undefined || b === undefined) throw new Error('two members are wanted');
        const key = `article:${index}`;
        const region = door.load === 'refresh' ? 'refreshed' : 'articles';
        b.loads.length = 0;
        const waiting = await begin(b, door, region, key);
        record.commit(key);

        // Once B has acknowledged it, it has arrived there.
        const told = await a.do({
          type: 'invalidate',
          region,
          what: door.tell(key),
          ack: 'all',
        });
        expect(told).to.deep.equal({ by: 'acks', acked: [b.origin], missing: [] });

        const during = b.do({ type: 'get', region, key });
        await b.asked(2);
        b.loads[1]?.answer();
        expect(await during, 'a read while the old load still runs').to.equal(`${key}@2`);
        b.loads[0]?.answer();
        expect(await waiting(), 'who had waited before').to.equal(`${key}@1`);
        expect(await b.do({ type: 'peek', region, key })).to.equal(`${key}@2`);
        expect(await b.do({ type: 'get', region, key }), 'the next read').to.equal(`${key}@2`);
        expect(b.loads).to.have.length(door.load === 'refresh' ? 3 : 2);
      });
    }
  });
}

/** A load of `key` is under way on the member; returns what those get who wait for it. */
async function begin(
  member: MemberProcess,
  door: Door,
  region: Region,
  key: string,
): Promise<() => Promise<unknown>> {
  switch (door.load) {
    case 'get': {
      const read = member.do({ type: 'get', region, key });
      await member.asked(1);
      return () => read;
    }
    case 'getMany': {
      const read = member.do({ type: 'getMany', region, keys: [`other:${key}`, key] });
      await member.asked(1);
      return async () => new Map((await read) as [string, string][]).get(key);
    }
    case 'refresh': {
      const first = member.do({ type: 'get', region, key });
      await member.asked(1);
      member.loads[0]?.answer();
      await first;
      member.loads.length = 0;
      // It is served, and loaded anew behind that.
      const read = await member.do({ type: 'get', region, key });
      await member.asked(1);
      return () => Promise.resolve(read);
    }
  }
}
