import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { demoCommand } from '../../src/cli/demo.ts';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { invalidateCommand } from '../../src/cli/invalidate.ts';
import { terminal } from '../../src/cli/terminal.ts';
import { watchCommand } from '../../src/cli/watch.ts';
import { configurationJsonSchema } from '../../src/config/index.ts';
import { ENVIRONMENT } from '../../src/config/environment.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** The first column of the table rows below `heading`, code marks taken off. */
function firstColumn(page: string, heading: string): string[] {
  const start = page.indexOf(`\n## ${heading}\n`);
  expect(start, `a section "${heading}"`).to.be.above(-1);
  const end = page.indexOf('\n## ', start + 4);
  const section = page.slice(start, end === -1 ? undefined : end);
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1] ?? row);
}

/** Every option of the schema with its path; `*` is any name. */
function optionPaths(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const properties = 'properties' in node ? node.properties : undefined;
  const additional = 'additionalProperties' in node ? node.additionalProperties : undefined;
  const inner =
    typeof properties === 'object' && properties !== null ? Object.entries(properties) : [];
  if (typeof additional === 'object') inner.push(['*', additional]);
  return inner.flatMap(([name, child]) => {
    const here = path === '' ? name : `${path}.${name}`;
    const below = optionPaths(child, here);
    return below.length === 0 ? [here] : below;
  });
}

describe('the documentation', () => {
  const surroundings = {
    out: terminal(process.stdout),
    err: terminal(process.stderr),
    signal: new AbortController().signal,
  };

  for (const command of [demoCommand, watchCommand, doctorCommand, invalidateCommand].map((make) =>
    make(surroundings),
  )) {
    it(`lists the flags of unstale ${command.name()} as its help does`, () => {
      const flags = command.options.map((option) => option.flags);
      const listed = firstColumn(read('docs/cli.md'), `\`unstale ${command.name()}\``);
      expect(listed).to.have.members(flags);
    });
  }

  it('lists every option of a configuration', () => {
    const paths = optionPaths(configurationJsonSchema()).filter((path) => path !== '$schema');
    expect(firstColumn(read('docs/configuration.md'), 'Options')).to.have.members(paths);
  });

  it('lists every environment variable', () => {
    expect(firstColumn(read('docs/configuration.md'), 'Environment')).to.have.members([
      ...Object.keys(ENVIRONMENT),
      'UNSTALE_CONFIG',
    ]);
  });

  it('lists every check of the doctor', () => {
    const folder = new URL('../../src/cli/doctor/', import.meta.url);
    const code = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
    const made = /\b(?:ok|warning|failed|skipped)\(\s*'([a-z-]+)'/g;
    const checks = [...code.join('\n').matchAll(made)].map(([, name]) => name);
    // The channel is called as each transport calls it.
    const channels = ['room', 'topic', 'exchange', 'channel'];
    const listed = firstColumn(read('docs/cli.md'), 'What `unstale doctor` checks');
    expect(listed).to.have.members([...new Set([...checks, ...channels])]);
  });

  it('lists every report', () => {
    const types = [...read('src/protocol/report.ts').matchAll(/type: '([a-z-]+)'/g)].map(
      ([, type]) => type,
    );
    expect(firstColumn(read('docs/operations.md'), 'Reports, and what to do')).to.have.members(
      types,
    );
  });

  it('lists every channel', () => {
    const names = [
      ...read('src/cluster/telemetry.ts').matchAll(/^ {2}'(unstale:[a-z]+)': \w+;/gm),
    ].map(([, name]) => name);
    expect(firstColumn(read('docs/operations.md'), 'Channels')).to.have.members(names);
  });

  it('keeps the JSON Schema for editors current', () => {
    const kept: unknown = JSON.parse(read('docs/configuration.schema.json'));
    expect(kept).to.deep.equal(configurationJsonSchema());
  });
});
