import { existsSync } from 'node:fs';
import { isInstalled, runCommand } from './run-command.ts';

export type BrokerName = 'prosody' | 'rabbitmq' | 'activemq' | 'ejabberd' | 'redis';

interface Recipe {
  /** The program that the package brings. */
  readonly command: string;
  /** Debian packages. */
  readonly packages: readonly string[];
  /** Packages that are good to have: what one of them brings, and what is missing without. */
  readonly extra?: {
    readonly packages: readonly string[];
    readonly file: string;
    readonly without: string;
  };
  /** The service in docker-compose.yml that does instead, and the variable that leads the tests to it. */
  readonly compose?: { readonly service: string; readonly variable: string };
}

const RECIPES: Readonly<Record<BrokerName, Recipe>> = {
  prosody: {
    command: 'prosody',
    packages: ['prosody', 'lua-unbound'],
    compose: { service: 'prosody', variable: 'UNSTALE_XMPP_URL' },
  },
  rabbitmq: {
    command: 'rabbitmq-server',
    packages: ['rabbitmq-server'],
    compose: { service: 'rabbitmq', variable: 'UNSTALE_AMQP_URL' },
  },
  activemq: {
    command: 'activemq',
    packages: ['activemq'],
    extra: {
      packages: ['libxstream-java', 'libjettison-java'],
      file: '/usr/share/java/xstream.jar',
      without: 'ActiveMQ cannot tell a STOMP client that it discarded messages',
    },
    compose: { service: 'activemq', variable: 'UNSTALE_STOMP_URL' },
  },
  ejabberd: { command: 'ejabberdctl', packages: ['ejabberd'] },
  /** For the example adapter. */
  redis: { command: 'redis-server', packages: ['redis-server'] },
};

const INSTALL_TIMEOUT_MS = 600_000;
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Runs as root. `policy-rc.d` keeps Debian's packages from starting what they bring as a service; whatever was
 * there before is put back, also when somebody presses Ctrl-C. Only lines that show progress are let through.
 */
const INSTALL_SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
kept="$policy.kept-by-unstale.$$"
[ -e "$policy" ] && mv "$policy" "$kept"
restore() { rm -f "$policy"; if [ -e "$kept" ]; then mv "$kept" "$policy"; fi; }
trap restore EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\\nexit 101\\n' > "$policy"
chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=120 update
apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
`;

/** Whether the broker's program is on this machine. */
export async function isBrokerInstalled(name: BrokerName): Promise<boolean> {
  return await isInstalled(RECIPES[name].command);
}

/**
 * Makes sure that the broker's program is on this machine; where it is missing, Debian's package is installed.
 * @throws {Error} which says what to do, where that is not possible
 */
export async function ensureInstalled(name: BrokerName): Promise<void> {
  const { command, packages, extra } = RECIPES[name];
  if (!(await isBrokerInstalled(name))) {
    try {
      await installPackages([...packages, ...(extra?.packages ?? [])]);
    } catch (cause) {
      throw new Error(await advice(name), { cause });
    }
    if (!(await isInstalled(command))) throw new Error(await advice(name));
  }
  if (extra === undefined || existsSync(extra.file)) return;
  try {
    await installPackages(extra.packages);
  } catch {
    progress(`${extra.packages.join(', ')} could not be installed; ${extra.without}`);
  }
}

/**
 * Installs Debian packages.
 * @throws {Error} where there is no apt-get, or we may not use it
 */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const root = await asRoot();
  if (root === undefined || !(await isInstalled('apt-get'))) {
    throw new Error('this needs apt-get, and root or a sudo that asks for no password');
  }
  progress(`installing ${packages.join(', ')} with apt-get; this happens once`);
  const [program, ...args] = [...root, 'sh', '-c', INSTALL_SCRIPT, 'sh', ...packages];
  await runCommand(program ?? 'sh', args, {
    timeoutMs: INSTALL_TIMEOUT_MS,
    cwd: '/',
    onOutput(text) {
      for (const line of text.split('\n')) {
        if (/^(Get:|Setting up |E: |Err:)/.test(line)) progress(line.slice(0, 100));
      }
    },
  });
}

/** Whether a Docker engine runs here and docker knows about compose. */
export async function hasDockerEngine(): Promise<boolean> {
  try {
    await runCommand('docker', ['info'], { timeoutMs: CHECK_TIMEOUT_MS });
    await runCommand('docker', ['compose', 'version'], { timeoutMs: CHECK_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}

/** What comes before a command to run it as root; `undefined` where we may not. */
async function asRoot(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  try {
    await runCommand('sudo', ['-n', 'true'], { timeoutMs: CHECK_TIMEOUT_MS });
    return ['sudo', '-n'];
  } catch {
    return undefined;
  }
}

async function advice(name: BrokerName): Promise<string> {
  const { command, packages, compose } = RECIPES[name];
  const lines = [
    `${command} is not installed and could not be installed from here.`,
    `On Debian or Ubuntu, as root: apt-get install --no-install-recommends ${packages.join(' ')}`,
  ];
  if (compose !== undefined) {
    const engine = (await hasDockerEngine()) ? '' : 'With a Docker engine: ';
    lines.push(
      `${engine}docker compose up --wait ${compose.service}, and lead the tests to it with ${compose.variable} (see docker-compose.yml).`,
    );
  }
  return lines.join('\n');
}

function progress(text: string): void {
  process.stderr.write(`[brokers] ${text}\n`);
}
