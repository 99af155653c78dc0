import type { Origin } from '../../src/protocol/message.ts';
import type { Prng } from './prng.ts';
import { CLUSTER } from './world.ts';

/** A frame that nobody has sent: cut off, forged beyond belief, or of another cluster. */
export function garbage(chance: Prng, origin: Origin): string {
  const head = `{"v":1,"ns":"${CLUSTER}","o":"${origin}",`;
  const frames = [
    '',
    'article:42',
    '{"v":1',
    '[]',
    '{"v":1,"ns":"other","t":"beat","o":"a/b","s":9,"b":9}',
    `${head}"t":"inv","s":-1,"k":{"a":["k0"]}}`,
    `${head}"t":"inv","s":9007199254740993,"k":{"a":["k0"]}}`,
    `${head}"t":"beat","s":1.5,"b":1}`,
    `${head}"t":"gossip","s":1}`,
    `${head}"t":"inv","s":1,"k":{"a":["${'x'.repeat(70_000)}"]}}`,
  ];
  return chance.pick(frames) ?? '';
}
