import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { xmppBus } from '../../../adapters/xmpp/index.ts';

describe('docs/adapters/xmpp.md', () => {
  const page = read('docs/adapters/xmpp.md');

  it('lists every option of the code', () => {
    const source = read('adapters/xmpp/xmpp-options.ts');
    const start = source.indexOf('export interface XmppBusOptions {');
    const body = source.slice(start, source.indexOf('\n}', start));
    const options = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
    expect(firstColumn('Options')).to.have.members(options);
  });

  it('states the capabilities of the code', () => {
    const { capabilities } = xmppBus({
      service: 'xmpp://chat.example.com',
      room: 'cache@conference.example.com',
      username: 'node',
      password: 'secret',
    });
    const stated = Object.fromEntries(
      rows('What it promises')
        .slice(0, 3)
        .map(([name, value = '']) => [name, value.replaceAll(/[`',]/g, '')]),
    );
    expect(stated).to.deep.equal({
      ordering: capabilities.ordering,
      resumption: String(capabilities.resumption),
      maxFrameBytes: String(capabilities.maxFrameBytes),
    });
  });

  it('lists every refusal of the code, with its error code', () => {
    const source = read('adapters/xmpp/room-status.ts');
    const start = source.indexOf('const REFUSALS');
    const body = source.slice(start, source.indexOf('\n};', start));
    const refusals = [...body.matchAll(/^ {2}'?([a-z-]+)'?: \[\s*'(BUS_\w+)'/gm)];
    const stated = rows('When the room does not let us in').map(([condition, code = '']) => [
      condition,
      code.replaceAll('`', ''),
    ]);
    expect(stated).to.have.deep.members(refusals.map(([, condition, code]) => [condition, code]));
  });

  it('lists every setting of a room that the code makes', () => {
    const source = read('adapters/xmpp/room-setup.ts');
    const made = [...source.matchAll(/^ {2}'(muc#\w+)':/gm)].map(([, name]) => name ?? '');
    for (const name of made) expect(page).to.include(`\`${name}\``);
    expect(made).to.have.length.above(3);
  });

  /** The rows of the tables below a heading, as far as they begin with something in code marks. */
  function rows(heading: string): string[][] {
    const start = page.indexOf(`\n## ${heading}\n`);
    expect(start, `a section "${heading}"`).to.be.above(-1);
    const end = page.indexOf('\n## ', start + 4);
    return page
      .slice(start, end === -1 ? undefined : end)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => {
        const [first = '', ...others] = line.split('|').slice(1, -1);
        return [first.trim().replaceAll('`', ''), ...others.map((cell) => cell.trim())];
      });
  }

  function firstColumn(heading: string): string[] {
    return rows(heading).map(([name = '']) => name);
  }
});

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}
