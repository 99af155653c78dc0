import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const LOAD_BUS = new URL('../../../src/config/load-bus.ts', import.meta.url).href;
const BUS_URL = new URL('../../../src/config/bus-url.ts', import.meta.url).href;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const LIBRARIES = ['@xmpp/client', 'ws', 'stompit', 'amqplib'];

/**
 * Makes the bus of `url` in a process in which only `installed` of the client libraries can be found, and
 * which says what came of it.
 */
async function madeWith(installed: readonly string[], url: string): Promise<string> {
  const missing = LIBRARIES.filter((name) => !installed.includes(name));
  // Resolution fails as it does for a package that is not there.
  const hooks = `
    export async function resolve(specifier, context, next) {
      if (${JSON.stringify(missing)}.some((name) => specifier === name || specifier.startsWith(name + '/'))) {
        const error = new Error("Cannot find package '" + specifier + "' imported from somewhere");
        throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
      }
      return next(specifier, context);
    }`;
  const program = `
    const { register } = await import('node:module');
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const { loadBus } = await import(${JSON.stringify(LOAD_BUS)});
    const { parseBusUrl } = await import(${JSON.stringify(BUS_URL)});
    const text = await loadBus(parseBusUrl(${JSON.stringify(url)})).then(
      (bus) => bus.state,
      (error) => error.message,
    );
    process.stdout.write(text);`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: ROOT },
  );
  return stdout;
}

describe('the bus of a configuration', function () {
  this.timeout(60_000);

  const CASES: readonly (readonly [url: string, libraries: readonly string[]])[] = [
    ['memory:', []],
    ['ipc:', []],
    ['xmpp://ann:s3cr3t@h/r@c.h', ['@xmpp/client']],
    ['stomp://ann:s3cr3t@h/t', ['stompit']],
    ['amqp://ann:s3cr3t@h', ['amqplib']],
  ];
  for (const [url, libraries] of CASES) {
    it(`needs its own client library and no other: ${url.split(':')[0]}`, async () => {
      expect(await madeWith(libraries, url)).to.equal('idle');
    });
  }

  for (const [url, [library = '']] of CASES.filter(([, { length }]) => length > 0)) {
    it(`says which package to install when its library is missing: ${library}`, async () => {
      const message = await madeWith(
        LIBRARIES.filter((name) => name !== library),
        url,
      );
      expect(message).to.contain(`npm install ${library}`);
      expect(message).not.to.contain('s3cr3t');
    });
  }
});
