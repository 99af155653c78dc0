import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { deadline } from '../../../src/cli/deadline.ts';

describe('a deadline', () => {
  it('comes although nobody holds on to it but whoever waits for it', async () => {
    setFlagsFromString('--expose-gc');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const collect = runInNewContext('gc') as () => void;
    const signal = deadline(new AbortController().signal, 50);
    const reason = new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve(signal.reason);
      });
    });
    for (let round = 0; round < 5; round += 1) {
      collect();
      await pause(5);
    }
    const given = await Promise.race([reason, pause(5_000, 'it never came')]);
    expect(given).to.have.property('name', 'TimeoutError');
  });

  it('comes before its time with the signal that it follows, and has its reason', () => {
    const source = new AbortController();
    const signal = deadline(source.signal, 60_000);
    source.abort('enough');
    expect(signal.reason).to.equal('enough');
  });

  it('has come already if the signal that it follows has', () => {
    expect(deadline(AbortSignal.abort('enough'), 60_000).reason).to.equal('enough');
  });
});
