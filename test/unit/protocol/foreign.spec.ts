import { expect } from 'chai';
import { LIMITS } from '../../../src/protocol/limits.ts';
import { readForeignText } from '../../../src/protocol/foreign-text.ts';
import { CoreNetwork } from '../../support/core-network.ts';

describe('foreign messages', () => {
  it('FOR-1 a message without a frame is applied, where nothing else was said', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 1 });
    node.hearForeign({ text: '42', id: 'm1', sender: 'ann' });
    expect(node.effects('apply').map(({ selection, cause }) => [selection, cause])).to.deep.equal([
      [{ keys: { '*': ['42'] } }, { by: 'foreign', origin: 'ann' }],
    ]);
    expect(node.reports('foreign-applied')).to.deep.equal([
      { type: 'foreign-applied', ids: 1, sender: 'ann' },
    ]);
  });

  it('FOR-1 is ignored where that was said, or unless its sender is allowed', () => {
    const strict = new CoreNetwork().add('me', { expectedNodes: 1, foreign: 'ignore' });
    strict.hearForeign({ text: '42', id: 'm1' });
    expect(strict.effects('apply')).to.deep.equal([]);
    const choosy = new CoreNetwork().add('me', {
      expectedNodes: 1,
      foreign: { allow: (sender) => sender === 'ann' },
    });
    choosy.hearForeign({ text: '42', id: 'm1', sender: 'bob' });
    choosy.hearForeign({ text: '42', id: 'm2' });
    expect(choosy.effects('apply')).to.deep.equal([]);
    choosy.hearForeign({ text: '42', id: 'm3', sender: 'ann' });
    expect(choosy.effects('apply')).to.have.lengthOf(1);
    expect(choosy.reports('foreign-refused').map(({ reason }) => reason)).to.deep.equal([
      'not-allowed',
      'not-allowed',
    ]);
  });

  for (const [text, selection] of [
    ['article:42', { keys: { '*': ['article:42'] } }],
    ['  article:42 \r\n\n article:43', { keys: { '*': ['article:42', 'article:43'] } }],
    ['articles/42', { keys: { '*': ['articles/42'], articles: ['42'] } }],
    ['articles/*', { regions: ['articles'] }],
    ['*', { all: true }],
    ['a\n*\nb', { all: true }],
    ['/42', { keys: { '*': ['/42'] } }],
    ['articles/', { keys: { '*': ['articles/'] } }],
    ['a/b/*', { keys: { '*': ['a/b/*'], a: ['b/*'] } }],
    ['__proto__/x', { keys: { '*': ['__proto__/x'], ['__proto__']: ['x'] } }],
    ['zażółć 🦢', { keys: { '*': ['zażółć 🦢'] } }],
  ] as const) {
    it(`FOR-2 reads ${JSON.stringify(text)} as ids, one a line`, () => {
      const reading = readForeignText(text);
      expect(reading.type === 'ids' && JSON.stringify(reading.selection)).to.equal(
        JSON.stringify(selection),
      );
    });
  }

  for (const [what, text, reason] of [
    ['a line that is too long', `ok\n${'x'.repeat(LIMITS.foreignLine + 1)}`, 'line-too-long'],
    ['too many lines', 'x\n'.repeat(LIMITS.foreignLines + 1), 'too-many-lines'],
    ['ten million characters of lines', '\n'.repeat(10_000_000), 'too-many-lines'],
    ['nothing', ' \n ', 'empty'],
  ] as const) {
    it(`FOR-2 refuses ${what} as a whole, and counts it`, () => {
      const node = new CoreNetwork().add('me', { expectedNodes: 1 });
      node.hearForeign({ text, id: 'm1' });
      expect(node.effects('apply')).to.deep.equal([]);
      expect(node.reports('foreign-refused')).to.deep.equal([{ type: 'foreign-refused', reason }]);
      expect(node.core.counters.foreignRefused).to.equal(1);
    });
  }

  it('FOR-3 everybody applies it at once, and one adopts it: from then on it is repaired like any other', () => {
    const network = new CoreNetwork();
    const nodes = network.cluster('a', 'b', 'c', 'd');
    const [, , , deaf] = nodes;
    if (deaf === undefined) throw new Error('no nodes');
    for (const node of nodes) {
      if (node === deaf) continue;
      node.hearForeign({ text: '42', id: 'm1' });
      expect(node.effects('apply')).to.have.lengthOf(1);
    }
    network.run(2_000);
    const adoptions = network.sentOf('inv');
    expect(adoptions).to.have.lengthOf(1);
    expect(adoptions[0]).to.deep.include({ via: 'm1', selection: { keys: { '*': ['42'] } } });
    expect(deaf.effects('apply').map(({ selection }) => selection)).to.deep.equal([
      { keys: { '*': ['42'] } },
    ]);
  });

  it('FOR-3 does not adopt twice what comes twice, also with an id that is too long for a frame', () => {
    const network = new CoreNetwork();
    const nodes = network.cluster('a', 'b');
    const id = `${'é'.repeat(5_000)}-1`;
    for (let round = 0; round < 3; round += 1) {
      for (const node of nodes) node.hearForeign({ text: '42', id });
      network.run(2_000);
    }
    expect(network.sentOf('inv')).to.have.lengthOf(1);
    for (const { frame } of network.sent) expect(frame.length).to.be.at.most(8_192);
  });

  it('FOR-3 adopts a message as large as one may be, in one frame', () => {
    const network = new CoreNetwork();
    const nodes = network.cluster('a', 'b');
    const text = Array.from({ length: LIMITS.foreignLines }, (_, index) =>
      `things/${index}`.padEnd(900, 'x'),
    ).join('\n');
    for (const node of nodes) node.hearForeign({ text, id: 'm1' });
    network.run(2_000);
    expect(network.sentOf('inv')).to.have.lengthOf(1);
    expect(network.sentOf('inv')[0]?.selection).to.deep.equal({ all: true });
  });

  it('FOR-4 past 20 messages of one sender in a second they become one fence at its end, adopted once', () => {
    const network = new CoreNetwork();
    const nodes = network.cluster('a', 'b');
    const [node] = nodes;
    for (let index = 0; index < 500; index += 1) {
      for (const one of nodes)
        one.hearForeign({ text: `key-${index}`, id: `m${index}`, sender: 'ann' });
      network.run(1);
    }
    const applied = (): number =>
      node?.effects('apply').filter(({ cause }) => cause.by === 'foreign').length ?? 0;
    expect(applied()).to.equal(20);
    network.run(3_000);
    expect(applied()).to.equal(21);
    expect(node?.effects('apply').some(({ selection }) => selection.all === true)).to.equal(true);
    expect(
      network.sentOf('inv').filter(({ selection }) => selection.all === true),
    ).to.have.lengthOf(1);
  });

  it('FOR-4 one sender that floods does not silence another', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 1 });
    for (let index = 0; index < 100; index += 1)
      node.hearForeign({ text: 'x', id: `a${index}`, sender: 'ann' });
    node.forgetHistory();
    node.hearForeign({ text: 'y', id: 'b1', sender: 'bob' });
    expect(node.effects('apply')).to.have.lengthOf(1);
  });

  it('FOR-4 ten thousand senders at once leave bounded memory, and drop nothing silently', () => {
    const network = new CoreNetwork();
    const node = network.add('me', { expectedNodes: 1 });
    network.run(1_000);
    for (let index = 0; index < 10_000; index += 1)
      node.hearForeign({ text: `key-${index}`, id: `m${index}`, sender: `s${index}` });
    expect(node.effects('apply').length).to.equal(10_000);
    network.run(20_000);
    const adopted = network.sentOf('inv');
    expect(adopted.length).to.be.at.most(LIMITS.adoptions + 1);
    expect(
      adopted.some(({ selection }) => selection.all === true),
      'one stands for those that found no room',
    ).to.equal(true);
  });

  it('FOR-4 a message older than a minute is ignored', () => {
    const node = new CoreNetwork().add('me', { expectedNodes: 1 });
    node.hearForeign({ text: 'x', id: 'm1', sentAt: node.now.wallMs - 61_000 });
    expect(node.effects('apply')).to.deep.equal([]);
    node.hearForeign({ text: 'x', id: 'm2', sentAt: node.now.wallMs - 59_000 });
    expect(node.effects('apply')).to.have.lengthOf(1);
  });

  it('FOR-4 nothing is ever said to people: no frame but an adopted batch has a summary', () => {
    const network = new CoreNetwork();
    const nodes = network.cluster('a', 'b');
    for (const node of nodes) node.hearForeign({ text: '42', id: 'm1' });
    network.run(5_000);
    const summaries = nodes.flatMap((node) => node.effects('send').map(({ summary }) => summary));
    expect(summaries.filter((summary) => summary !== undefined)).to.deep.equal(['42']);
  });
});
