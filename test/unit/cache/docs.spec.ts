import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { BusError, type BusErrorCode } from '../../../src/index.ts';
import { Nodes } from './lone-node.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

/** The rows of the first table below `heading`, cell by cell, code marks taken off. */
function rowsBelow(page: string, heading: string): readonly (readonly string[])[] {
  const start = page.search(new RegExp(`^#+ ${heading}$`, 'm'));
  expect(start, `a section "${heading}"`).to.be.above(-1);
  const lines = page.slice(start).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const rest = lines.slice(first);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(2, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

function firstColumn(page: string, heading: string): readonly string[] {
  return rowsBelow(page, heading).map(([name = '']) => name.replace(/\(.*/, ''));
}

/** The fields of an interface, without those that it extends. */
function fieldsOf(file: string, name: string): readonly string[] {
  const source = read(file);
  const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1];
  expect(body, `interface ${name}`).to.be.a('string');
  return [...(body ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field);
}

/** The members of a union of strings. */
function unionOf(file: string, name: string): readonly string[] {
  const source = read(file);
  const body = new RegExp(`type ${name} =([\\s\\S]*?);\\n`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/^ +\| '(\w+)'/gm)].map(([, member = '']) => member);
}

describe('the pages about the cache', () => {
  const nodes = new Nodes();
  afterEach(() => nodes.close());

  const page = read('docs/cache.md');
  const errors = read('docs/errors.md');

  it('list every option of a cache, and no other', () => {
    expect(firstColumn(page, 'Options').toSorted()).to.deep.equal(
      fieldsOf('src/cache/cache-options.ts', 'CacheOptions').toSorted(),
    );
  });

  it('list every option of a call, and no other', () => {
    const calls = [
      'GetOptions',
      'GetManyOptions',
      'GetEntryOptions',
      'InvalidateOptions',
      'WriteOptions',
    ].flatMap((name) => fieldsOf('src/cache/cache-options.ts', name));
    expect(firstColumn(page, 'Options of single calls').toSorted()).to.deep.equal(
      [...new Set(calls)].toSorted(),
    );
  });

  it('list everything that a loader is told', () => {
    expect(firstColumn(page, 'What a loader is told')).to.deep.equal(
      fieldsOf('src/cache/cache-options.ts', 'LoadContext'),
    );
  });

  it('list every figure, and every cause of a drop', async () => {
    const { cluster } = await nodes.lone();
    const stats = cluster.cache('r', { maxEntries: 1 }).stats();
    expect(firstColumn(page, 'Figures').toSorted()).to.deep.equal(Object.keys(stats).toSorted());
    const dropped = rowsBelow(page, 'Figures').find(([name]) => name === 'dropped')?.[1] ?? '';
    for (const cause of Object.keys(stats.dropped)) expect(dropped).to.include(cause);
    const channel = page.slice(page.indexOf('`unstale:cache`'));
    const types = /type CacheEventType =\s*([^;]+);/.exec(read('src/cache/cache-stats.ts'))?.[1];
    for (const [, type = ''] of (types ?? '').matchAll(/'(\w+)'/g)) {
      expect(channel).to.include(`\`${type}\``);
    }
  });

  it('list every call of a cache', async () => {
    const { cluster } = await nodes.lone();
    const cache = cluster.cache('r', { maxEntries: 1 });
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(cache));
    for (const method of methods) {
      // Called by the cluster.
      if (method === 'constructor' || method === 'close') continue;
      expect(page, method).to.match(new RegExp(`\\b${method}\\b`));
    }
  });

  it('list every code of a BusError with its outcome', () => {
    const codes = unionOf('src/bus/bus-error.ts', 'BusErrorCode');
    const rows = rowsBelow(errors, 'BusError');
    expect(rows.map(([code]) => code)).to.deep.equal(codes);
    for (const [code = '', outcome] of rows) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      expect(new BusError(code as BusErrorCode, '').outcome, code).to.equal(outcome);
    }
  });

  it('list every code of a CacheError', () => {
    const codes = unionOf('src/cache/cache-error.ts', 'CacheErrorCode');
    expect(firstColumn(errors, 'CacheError').toSorted()).to.deep.equal(codes.toSorted());
  });
});
