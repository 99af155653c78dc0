import { expect } from 'chai';
import { Ledger } from '../../../../src/cli/demo/ledger.ts';

describe('the ledger of the demo', () => {
  it('calls a read stale if a newer version had been committed before it began', () => {
    const ledger = new Ledger();
    ledger.observe({ id: 'a', version: 1, startMs: 130 });
    ledger.learn([{ id: 'a', version: 2, atMs: 100 }], 200);
    expect(ledger.staleReads).to.equal(1);
    expect(ledger.worstStalenessMs).to.equal(30);
  });

  it('does not call it stale if the commit came while it was under way, or at the moment it began', () => {
    const ledger = new Ledger();
    ledger.observe({ id: 'a', version: 1, startMs: 99 });
    ledger.observe({ id: 'a', version: 1, startMs: 100 });
    ledger.learn([{ id: 'a', version: 2, atMs: 100 }], 200);
    expect(ledger.staleReads).to.equal(0);
  });

  it('counts staleness from the commit that superseded what was returned, not from the newest one', () => {
    const ledger = new Ledger();
    ledger.learn(
      [
        { id: 'a', version: 2, atMs: 100 },
        { id: 'a', version: 3, atMs: 190 },
      ],
      200,
    );
    ledger.observe({ id: 'a', version: 1, startMs: 195 });
    ledger.learn([], 300);
    expect(ledger.worstStalenessMs).to.equal(95);
  });

  it('waits with its judgement until it knows everything that was committed before the read', () => {
    const ledger = new Ledger();
    ledger.observe({ id: 'a', version: 1, startMs: 130 });
    ledger.learn([], 120);
    expect(ledger.staleReads).to.equal(0);
    ledger.learn([{ id: 'a', version: 2, atMs: 125 }], 140);
    expect(ledger.staleReads).to.equal(1);
  });

  it('judges each resource by its own commits', () => {
    const ledger = new Ledger();
    ledger.observe({ id: 'b', version: 1, startMs: 130 });
    ledger.learn([{ id: 'a', version: 2, atMs: 100 }], 200);
    expect(ledger.staleReads).to.equal(0);
  });
});
