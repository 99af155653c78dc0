import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the matrix of a conformance run', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unstale-matrix-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('shows every rule of every adapter, and is written although something failed', async function writes() {
    this.timeout(30_000);
    const { code, stdout, report } = await runSpec(`
      import { memoryBus, memoryNetwork } from '${root}adapters/memory/index.ts';
      import { describeInvalidationBus } from '${root}conformance-tests/index.ts';
      const network = memoryNetwork();
      const createBus = ({ channel, name }) => memoryBus({ channel, name, network });
      describeInvalidationBus('good', { createBus, faults: network, halfOpenWithinMs: 3_000 });
      const shout = (bus) => {
        const { publish } = bus;
        bus.publish = (frame, options) => publish.call(bus, frame.toUpperCase(), options);
        return bus;
      };
      describeInvalidationBus('loud', {
        createBus: (place) => shout(createBus(place)), faults: network, patienceMs: 50, halfOpenWithinMs: 50,
      });
      describeInvalidationBus('absent', { createBus, broker: () => Promise.reject(new Error('no server')) });
    `);
    expect(code).to.be.greaterThan(0);
    expect(stdout).to.match(/^ {7}A {2}B {2}C$/m);
    expect(stdout).to.match(/^IB-04 {2}✔ {2}✖ {2}\? {2}a frame arrives unchanged/m);
    expect(stdout).to.match(/^IB-09 {2}– {2}– {2}[?] {2}a foreign message/m);
    expect(stdout).to.match(/^A {2}good: 27 kept, 3 pending of 30 rules/m);
    expect(stdout).to.include('– IB-13');
    expect(stdout).to.include('the fixture has no `wrongCredential`');
    expect(stdout).to.include('no server');
    const { kept, adapters } = report;
    expect(kept).to.equal(false);
    expect(adapters.map(({ name, kept: all }) => [name, all])).to.deep.equal([
      ['good', true],
      ['loud', false],
      ['absent', false],
    ]);
    expect(adapters[0]?.rules['IB-13']?.tests[0]?.reason).to.include('wrongCredential');
    expect(adapters[1]?.rules['IB-04']?.state).to.equal('broken');
    expect(adapters[2]?.rules['IB-04']?.state).to.equal('not-run');
  });

  async function runSpec(source: string): Promise<{
    readonly code: number;
    readonly stdout: string;
    readonly report: {
      readonly kept: boolean;
      readonly adapters: readonly {
        readonly name: string;
        readonly kept: boolean;
        readonly rules: Record<
          string,
          { readonly state: string; readonly tests: readonly { readonly reason?: string }[] }
        >;
      }[];
    };
  }> {
    const spec = join(folder, 'some.spec.mts');
    const file = join(folder, 'report.json');
    await writeFile(spec, source);
    const mocha = ['--no-config', '--node-option', 'import=tsx', spec];
    const reporter = ['--reporter', 'conformance-tests/matrix-reporter.ts'];
    const ended = await run(
      process.execPath,
      ['node_modules/mocha/bin/mocha.js', ...mocha, ...reporter, '-O', `report=${file}`],
      { cwd: root },
    ).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    );
    return { ...ended, report: JSON.parse(await readFile(file, 'utf8')) };
  }
});
