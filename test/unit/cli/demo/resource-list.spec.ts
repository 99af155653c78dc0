import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  listResources,
  MAX_RESOURCE_BYTES,
  MAX_RESOURCES,
} from '../../../../src/cli/demo/resource-list.ts';
import { UserError } from '../../../../src/cli/user-error.ts';

describe('the resources of the demo', () => {
  const folders: string[] = [];

  async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'unstale-test-'));
    folders.push(folder);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return folder;
  }

  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  it('are the files, by their path below the folder, those nearest to the top first', async () => {
    const folder = await folderWith({ 'b/c/d.txt': '', 'b/x.txt': '', 'z.txt': '', 'a.txt': '' });
    expect(await idsIn(folder)).to.deep.equal(['a.txt', 'z.txt', 'b/x.txt', 'b/c/d.txt']);
  });

  it('keep odd names as they are', async () => {
    const names = ['*', ' ', 'a b', 'new\nline', 'ä%41?#&', '"quoted"', '日本', 'x'.repeat(255)];
    const folder = await folderWith(Object.fromEntries(names.map((name) => [name, ''])));
    expect(await idsIn(folder)).to.have.members(names);
  });

  it('are neither hidden nor in node_modules, and not behind symbolic links, which are counted', async () => {
    const folder = await folderWith({ a: '', '.git/x': '', '.env': '', 'node_modules/m/y': '' });
    await symlink('/etc/passwd', join(folder, 'link'));
    await symlink('..', join(folder, 'loop'));
    const { resources, leftOut } = await listResources(folder);
    expect(resources.map(({ id }) => id)).to.deep.equal(['a']);
    expect([...leftOut]).to.deep.equal([['symbolic links', 2]]);
  });

  it('are at most a known number, and it is told how many were left out', async () => {
    // In memory where the system has a place for it: on a disk, making and removing them takes minutes.
    const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const folder = await mkdtemp(join(place, 'unstale-test-'));
    const many = 100_000;
    execFileSync('sh', ['-c', `seq ${many} | xargs touch`], { cwd: folder });
    const { resources, leftOut } = await listResources(folder);
    execFileSync('rm', ['-rf', folder]);
    expect(resources).to.have.length(MAX_RESOURCES);
    expect([...leftOut.values()]).to.deep.equal([many - MAX_RESOURCES]);
    expect([...leftOut.keys()][0]).to.contain(`the limit of ${MAX_RESOURCES}`);
  }).timeout(60_000);

  it('are not larger than a server should hold in memory', async () => {
    const folder = await folderWith({ small: 'x'.repeat(MAX_RESOURCE_BYTES), empty: '' });
    await writeFile(join(folder, 'large'), 'x'.repeat(MAX_RESOURCE_BYTES + 1));
    const { resources, leftOut } = await listResources(folder);
    expect(resources.map(({ id }) => id)).to.deep.equal(['empty', 'small']);
    expect([...leftOut]).to.deep.equal([['larger than 256 KiB', 1]]);
  });

  it('leave out what is no file, and a name that is no UTF-8', async () => {
    const folder = await folderWith({ a: '' });
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]), '');
    const { resources, leftOut } = await listResources(folder);
    expect(resources.map(({ id }) => id)).to.deep.equal(['a']);
    expect([...leftOut]).to.have.deep.members([
      ['that are no plain files', 1],
      ['that cannot be read', 1],
    ]);
  });

  it('are refused with what to change, if the folder is missing, a file, or empty', async () => {
    const folder = await folderWith({ file: '' });
    expect(await refusal(join(folder, 'missing'))).to.match(/there is no folder .*missing/);
    expect(await refusal(join(folder, 'file', 'x'))).to.match(/there is no folder/);
    expect(await refusal(join(folder, 'file'))).to.match(/is a file/);
    expect(await refusal(await folderWith({}))).to.match(/holds no file that can be served$/);
    const hollow = await folderWith({});
    await symlink('/etc/passwd', join(hollow, 'link'));
    expect(await refusal(hollow)).to.match(/left out: 1 symbolic links/);
  });
});

async function idsIn(folder: string): Promise<string[]> {
  return (await listResources(folder)).resources.map(({ id }) => id);
}

async function refusal(folder: string): Promise<string> {
  const error: unknown = await listResources(folder).catch((thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(UserError).and.to.have.property('exitCode', 2);
  return error instanceof Error ? error.message : '';
}
