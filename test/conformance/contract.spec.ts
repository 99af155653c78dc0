import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readFileSync } from 'node:fs';
import { allRules } from '../../conformance-tests/all-rules.ts';
import { enduranceBook, ruleBook } from '../../conformance-tests/index.ts';

const page = readFileSync(new URL('../../docs/contract.md', import.meta.url), 'utf8');

describe('docs/contract.md', () => {
  it('lists exactly the rules of the suite, in order, each with its title and its intent', () => {
    const listed = Array.from(
      page.matchAll(/^\| ((?:IB|EN)-\d\d) +\| (.+?) +\| (.+?) +\|$/gm),
      ([, rule, title, intent]) => ({ rule, title, intent }),
    );
    const book = Object.entries({ ...ruleBook, ...enduranceBook }).map(([rule, text]) => ({
      rule,
      ...text,
    }));
    expect(listed).to.deep.equal(book);
  });

  it('has a test for every rule, in the order of the numbers', () => {
    const tested = Array.from(new Set(allRules.map(({ rule }) => rule)));
    expect(tested).to.deep.equal(Object.keys(ruleBook));
  });
});
