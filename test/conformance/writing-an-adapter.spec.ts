import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/writing-an-adapter.md', import.meta.url), 'utf8');

describe('docs/writing-an-adapter.md', () => {
  const quotes = Array.from(
    page.matchAll(/^```ts\n\/\/ (examples\/\S+)\n([\s\S]+?)^```$/gm),
    ([, file = '', code = '']) => ({ file, code }),
  );

  it('quotes the example', () => {
    expect(quotes).to.have.length.above(5);
  });

  for (const { file, code } of quotes) {
    it(`quotes ${file} ${code.trim().split('\n', 1)[0]}`, () => {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      expect(unindented(source)).to.include(unindented(code));
    });
  }
});

/** A fragment is quoted at the margin. */
function unindented(text: string): string {
  return text.replaceAll(/^ +/gm, '');
}
