import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

describe('the page of an adapter', () => {
  for (const [page, source, type] of [
    ['memory', 'adapters/memory/memory-bus.ts', 'MemoryBusOptions'],
    ['ipc', 'adapters/ipc/ipc-bus.ts', 'IpcBusOptions'],
    ['stomp', 'adapters/stomp/stomp-options.ts', 'StompBusOptions'],
    ['amqp', 'adapters/amqp/amqp-options.ts', 'AmqpBusOptions'],
  ] as const) {
    it(`docs/adapters/${page}.md has a row for every option of ${type}, and no other`, () => {
      const [, declared = ''] =
        new RegExp(`interface ${type} \\{\n(.*?)\n\\}`, 's').exec(read(source)) ?? [];
      const options = Array.from(
        declared.matchAll(/^ {2}readonly (\w+)\??:/gm),
        ([, name]) => name,
      );
      const [, table = ''] =
        /\n## Options.*?\n(\|.*?)\n\n/s.exec(read(`docs/adapters/${page}.md`)) ?? [];
      const rows = table.split('\n').slice(2);
      const documented = rows.flatMap((row) =>
        Array.from((row.split('|')[1] ?? '').matchAll(/`(\w+)`/g), ([, name]) => name),
      );
      expect(options.length).to.be.greaterThan(3);
      expect(documented).to.have.members(options);
    });
  }
});

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
}
