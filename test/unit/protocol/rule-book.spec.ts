import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const RULE = /^(?:ID|PUB|RX|BEAT|NACK|READ|LOAD|MEM|BAR|OVL|VER|FOR)-\d+$/;

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

const page = read('docs/protocol.md');

/** The first cells of the page's tables. */
const firstCells = page.split('\n').flatMap((line) => /^\| (\S+) +\|/.exec(line)?.[1] ?? []);
const rules = firstCells.filter((cell) => RULE.test(cell));

/** What the titles of tests begin with, wherever it looks like a rule. */
function namedByTests(): Set<string> {
  const named = new Set<string>();
  for (const file of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.spec.ts')) continue;
    for (const match of read(join('test', file)).matchAll(/\bit\(\s*['"`]([A-Z]+-\d+) /g)) {
      if (match[1] !== undefined && RULE.test(match[1])) named.add(match[1]);
    }
  }
  return named;
}

/** The letters of the wire format by the type of message, as the page's table has them. */
function lettersOfPage(): Map<string, Set<string>> {
  const letters = new Map<string, Set<string>>();
  let type = '';
  for (const line of page.split('\n')) {
    const [, first = '', second = ''] = line.split('|').map((cell) => cell.trim());
    const named = /^`(\w{3,})`$/.exec(first)?.[1];
    if (named !== undefined) type = named;
    else if (first !== '') type = '';
    if (type === '' || !line.startsWith('|')) continue;
    const fields = letters.get(type) ?? new Set<string>();
    for (const match of second.matchAll(/`(\w+)`/g))
      if (match[1] !== undefined) fields.add(match[1]);
    letters.set(type, fields);
  }
  return letters;
}

describe('the page of the protocol', () => {
  it('names every rule once', () => {
    expect(rules).to.have.lengthOf(new Set(rules).size);
    expect(rules.length).to.be.above(50);
  });

  it('has for each rule a test whose title begins with it, and for each such test a rule', () => {
    expect([...namedByTests()].toSorted()).to.deep.equal(rules.toSorted());
  });

  it('explains exactly the letters of the golden frames', () => {
    const common = new Set(['v', 'ns', 't', 'o']);
    const used = new Map<string, Set<string>>();
    for (const file of readdirSync(join(ROOT, 'test/golden'))) {
      const wire: Record<string, unknown> = JSON.parse(read(join('test/golden', file)));
      const type = String(wire['t']);
      const fields = used.get(type) ?? new Set<string>();
      for (const field of Object.keys(wire)) if (!common.has(field)) fields.add(field);
      used.set(type, fields);
    }
    const explained = lettersOfPage();
    for (const [type, fields] of used) {
      expect([...(explained.get(type) ?? [])].toSorted(), type).to.include.members(
        [...fields].toSorted(),
      );
    }
    expect([...explained.keys()].toSorted()).to.deep.equal([...used.keys()].toSorted());
    expect([...(explained.get('beat') ?? [])].toSorted()).to.deep.equal(
      [...(used.get('beat') ?? [])].toSorted(),
    );
    expect([...(explained.get('inv') ?? [])].toSorted()).to.deep.equal(
      [...(used.get('inv') ?? [])].toSorted(),
    );
  });
});
