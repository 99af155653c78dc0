import { expect } from 'chai';
import { Propagation } from '../../../../src/cli/demo/propagation.ts';
import type { Passage } from '../../../../src/cli/demo/worker-protocol.ts';

const saved = (server: string, id: string, atMs: number): Passage => ({
  type: 'saved',
  server,
  id,
  atMs,
});
const dropped = (server: string, by: string, id: string, atMs: number): Passage => ({
  type: 'dropped',
  server,
  by,
  id,
  atMs,
});

describe('the propagation of the demo', () => {
  it('is the time from a save on one server to the drop on another, in whatever order they are told', () => {
    const propagation = new Propagation();
    propagation.learn([dropped('two', 'one', 'a', 110), dropped('three', 'one', 'a', 130)]);
    propagation.learn([saved('one', 'a', 100)]);
    const { p50Ms, p99Ms } = propagation.percentiles();
    expect(p50Ms).to.be.closeTo(10, 0.1);
    expect(p99Ms).to.be.closeTo(30, 0.1);
  });

  it('belongs to the last save of that server, and counts once: a repair brings nothing new', () => {
    const propagation = new Propagation();
    propagation.learn([
      saved('one', 'a', 100),
      dropped('two', 'one', 'a', 105),
      saved('one', 'a', 200),
      dropped('two', 'one', 'a', 205),
      dropped('two', 'one', 'a', 900),
    ]);
    expect(propagation.percentiles().p99Ms).to.be.closeTo(5, 0.1);
  });

  it('does not mix two servers that save the same resource', () => {
    const propagation = new Propagation();
    propagation.learn([
      saved('one', 'a', 100),
      saved('two', 'a', 190),
      dropped('three', 'one', 'a', 200),
    ]);
    expect(propagation.percentiles().p50Ms).to.be.closeTo(100, 0.1);
  });

  it('is nothing where nothing travelled', () => {
    expect(new Propagation().percentiles()).to.deep.equal({ p50Ms: null, p99Ms: null });
  });
});
