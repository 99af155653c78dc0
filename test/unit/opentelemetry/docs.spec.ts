import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const page = readFileSync(new URL('../../../docs/opentelemetry.md', import.meta.url), 'utf8');
const folder = new URL('../../../src/opentelemetry/', import.meta.url);
const source = readdirSync(folder)
  .map((file) => readFileSync(new URL(file, folder), 'utf8'))
  .join('\n');

describe('the page about OpenTelemetry', () => {
  it('lists every metric with its unit, and no other', () => {
    const listed = [...page.matchAll(/^\| `(unstale\.[a-z.]+)` +\| \w+ +\| `([^`]+)`/gm)].map(
      ([, name, unit]) => `${name} ${unit}`,
    );
    const made = [
      ...source.matchAll(/(?:create\w+\(|name: )'(unstale\.[a-z.]+)',[\s{]*unit: '([^']+)'/g),
    ].map(([, name, unit]) => `${name} ${unit}`);
    const durations = ['load', 'invalidate', 'write'].map((kind) => `unstale.${kind}.duration s`);
    expect(listed.toSorted()).to.deep.equal([...made, ...durations].toSorted());
  });

  it('names every attribute', () => {
    for (const [, attribute = ''] of source.matchAll(/'(unstale\.(?:cache|invalidation)\.\w+)'/g)) {
      if (/\.(acked|missing|reads|events)$/.test(attribute)) continue;
      expect(page).to.include(attribute);
    }
  });
});
