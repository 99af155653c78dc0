import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../brokers/free-port.ts';
import { CommandRun } from '../cli/command-run.ts';
import { prosody, rabbitmq } from '../support/brokers.ts';

/** Nothing else in the world is called so. */
const SECRET = 'k3epMeHidden77';

interface Source {
  readonly name: string;
  /** Flags and variables that give the password by this source. */
  readonly give: (
    folder: string,
    bus: { readonly transport: 'xmpp' | 'amqp'; readonly port: number },
  ) => Promise<{ readonly args: readonly string[]; readonly env?: Record<string, string> }>;
}

function urlOf(bus: { transport: string; port: number }, account: string): string {
  const path = bus.transport === 'xmpp' ? 'r@conference.localhost' : '';
  return `${bus.transport}://${account}@127.0.0.1:${bus.port}/${path}`;
}

async function configFile(
  folder: string,
  { transport, port }: { transport: string; port: number },
  password: unknown,
): Promise<string> {
  const file = join(folder, 'unstale.json');
  const section =
    transport === 'xmpp'
      ? { service: `xmpp://127.0.0.1:${port}`, domain: 'localhost', room: 'r@conference.localhost' }
      : { host: '127.0.0.1', port, exchange: 'e' };
  const text = { cluster: 'c', transport, [transport]: { ...section, username: 'ann', password } };
  await writeFile(file, JSON.stringify(text));
  return file;
}

const SOURCES: readonly Source[] = [
  {
    name: 'the URL on the command line',
    give: async (_, bus) => ({ args: ['--bus', urlOf(bus, `ann:${SECRET}`)] }),
  },
  {
    name: 'UNSTALE_BUS_URL',
    give: async (_, bus) => ({ args: [], env: { UNSTALE_BUS_URL: urlOf(bus, `ann:${SECRET}`) } }),
  },
  {
    name: 'UNSTALE_PASSWORD',
    give: async (_, bus) => ({
      args: ['--bus', urlOf(bus, 'ann')],
      env: { UNSTALE_PASSWORD: SECRET },
    }),
  },
  {
    name: 'the configuration file',
    give: async (folder, bus) => ({ args: ['--config', await configFile(folder, bus, SECRET)] }),
  },
  {
    name: 'a variable that the file names',
    give: async (folder, bus) => ({
      args: ['--config', await configFile(folder, bus, { env: 'SHOP_PASSWORD' })],
      env: { SHOP_PASSWORD: SECRET },
    }),
  },
  {
    name: 'a file that the file names',
    async give(folder, bus) {
      await writeFile(join(folder, 'secret'), SECRET);
      return {
        args: ['--config', await configFile(folder, bus, { file: join(folder, 'secret') })],
      };
    },
  },
];

describe('a secret of the configuration', function () {
  this.timeout(120_000);
  const place = { folder: '' };

  before(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'unstale-secret-'));
  });
  after(async () => {
    await rm(place.folder, { recursive: true });
  });

  for (const { name, give } of SOURCES) {
    it(`from ${name} is in nothing that a command prints`, async () => {
      const servers = [
        { transport: 'xmpp' as const, port: await freePort() },
        { transport: 'xmpp' as const, port: (await prosody()).port },
        { transport: 'amqp' as const, port: (await rabbitmq()).port },
      ];
      for (const bus of servers) {
        const { args, env = {} } = await give(place.folder, bus);
        const commands = [
          ['doctor', '--timeout', '3', ...(bus.transport === 'amqp' ? ['--json'] : [])],
          ['invalidate', '--timeout', '3', '--json', 'k'],
        ];
        for (const command of commands) {
          const run = new CommandRun([...command, ...args], env);
          const { code, stdout, stderr } = await run.result();
          const printed = stdout + stderr;
          expect(printed, command.join(' '))
            .not.to.contain(SECRET)
            .and.not.match(/defect/);
          // It did fail at the login, not before the password mattered.
          expect(code, printed).to.equal(1);
        }
      }
    });
  }

  const showsTitles = process.platform === 'linux';
  const reason = showsTitles ? '' : ' [left out: only Linux has /proc, where the title is read]';
  (showsTitles ? it : it.skip)(
    `is not in the list of processes, even where it was on the command line${reason}`,
    async () => {
      const url = `xmpp://ann:${SECRET}@192.0.2.1:${await freePort()}/r@conference.localhost`;
      const run = new CommandRun(['watch', '--bus', url]);
      try {
        // What the kernel shows to everybody; the command renames itself before it does anything else.
        const title = await titleOf(run.pid, /^unstale/);
        expect(title)
          .to.match(/^unstale watch/)
          .and.not.contain(SECRET);
      } finally {
        await run.kill();
      }
    },
  );

  const MISTAKES: readonly (readonly string[])[] = [
    ['--bus', `xmpp://ann:${SECRET}/x@h/r@c`],
    ['--bus', `xmpp://ann:${SECRET}#@h/r@c`],
    ['--bus', `xmpp://ann:${SECRET} x@h h/r@c`],
    ['--bus', `smtp://ann:${SECRET}@h`],
    ['--bus', `ann:${SECRET}@h`],
    ['--bus', `amqp://ann:${SECRET}@h/?exchnge=x`],
  ];
  for (const args of MISTAKES) {
    it(`is not in the refusal of ${args.join(' ').replace(SECRET, '…')}`, async () => {
      const { code, stdout, stderr } = await new CommandRun(['doctor', ...args]).result();
      expect(code).to.equal(2);
      expect(stdout + stderr).not.to.contain(SECRET);
    });
  }

  for (const text of [
    `cluster: c\ntransport: amqp\namqp: { exchange: e, password:${SECRET} }`,
    `cluster: c\npassword: "${SECRET}\n`,
    `cluster: c\ntransport: amqp\namqp:\n  exchange: e\n   password: ${SECRET}\n`,
    `cluster: c\ntransport: amqp\namqp: { exchange: e, password: [${SECRET}] }`,
    `cluster: c\ntransport: ${SECRET}\n`,
    `cluster: !${SECRET} x\n`,
  ]) {
    it(`is not in the refusal of the file ${JSON.stringify(text.replace(SECRET, '…'))}`, async () => {
      const file = join(place.folder, 'wrong.yaml');
      await writeFile(file, text);
      const { code, stdout, stderr } = await new CommandRun(['doctor', '--config', file]).result();
      expect(code, stderr).to.equal(2);
      expect(stdout + stderr).not.to.contain(SECRET);
    });
  }
});

const LOOKS = 200;

async function titleOf(pid: number, pattern: RegExp): Promise<string> {
  let title = '';
  for (let look = 0; look < LOOKS; look += 1) {
    title = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (pattern.test(title)) return title;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`the process never got another title than ${title.length} characters`);
}
