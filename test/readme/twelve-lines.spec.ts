import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { joinCluster } from 'unstale';
import { ipcBus } from 'unstale/adapters/ipc';

const EXAMPLE = fileURLToPath(new URL('../../examples/twelve-lines.ts', import.meta.url));
const TSCONFIG = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
const TSX = import.meta.resolve('tsx');

describe('the twelve-line example', function () {
  this.timeout(30_000);
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unstale-test-'));
    await mkdir(join(folder, 'articles'));
    await writeFile(join(folder, 'articles/42'), 'old\n');
  });

  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('has twelve lines, and stands in the README as it is', async () => {
    const source = await readFile(EXAMPLE, 'utf8');
    expect(source.split('\n').filter((line) => line.trim() !== '')).to.have.length(12);
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    expect(readme).to.contain(`\`\`\`ts\n${source}\`\`\`\n`);
  });

  it('runs, and what it saves is seen by a server that had the old value in its cache', async () => {
    // The default folder of the ipc bus, below the temporary folder that the example is given.
    const bus = ipcBus({ channel: 'shop', folder: join(folder, `unstale-${process.getuid?.()}`) });
    const cluster = await joinCluster({ name: 'shop', bus });
    const articles = cluster.cache('articles', {
      maxEntries: 10,
      load: (id) => readFile(join(folder, 'articles', id), 'utf8'),
    });
    expect(await articles.get('42')).to.equal('old\n');
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--import', TSX, EXAMPLE],
      { cwd: folder, env: { ...process.env, TMPDIR: folder, TSX_TSCONFIG_PATH: TSCONFIG } },
    );
    expect(stderr).to.equal('');
    expect(stdout).to.equal('old\nnew\n');
    expect(articles.peek('42')).to.equal(undefined);
    expect(await articles.get('42')).to.equal('new\n');
    await cluster.close();
  });
});
