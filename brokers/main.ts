import { Argument, Command } from 'commander';
import { startActiveMq, startEjabberd, startProsody, startRabbitMq, type Broker } from './index.ts';

/** What `npm run brokers` prints for one broker. */
interface Started {
  readonly broker: Broker;
  /** Addresses as `unstale` takes them, each with the variable that leads the tests to it, if there is one. */
  readonly urls: readonly { readonly url: string; readonly variable?: string }[];
}

const STARTERS: Readonly<Record<string, () => Promise<Started>>> = {
  async prosody() {
    const broker = await startProsody();
    return { broker, urls: [{ url: broker.url, variable: 'UNSTALE_XMPP_URL' }] };
  },
  async ejabberd() {
    const broker = await startEjabberd();
    return { broker, urls: [{ url: broker.url }] };
  },
  async activemq() {
    const broker = await startActiveMq();
    return { broker, urls: [{ url: broker.url, variable: 'UNSTALE_STOMP_URL' }] };
  },
  async rabbitmq() {
    const broker = await startRabbitMq();
    const amqp = { url: broker.url, variable: 'UNSTALE_AMQP_URL' };
    return { broker, urls: [amqp, { url: broker.stompUrl }] };
  },
};

const NAMES = Object.keys(STARTERS);

const program = new Command('npm run brokers --')
  .description(
    'Starts real message brokers on free ports of 127.0.0.1, each in a private folder, prints their addresses, ' +
      'and waits. Ctrl-C stops them and removes everything. A broker that is not installed is installed with ' +
      "apt-get, if that is allowed.\n\nThe lines that begin with `export` lead the project's tests to these brokers.",
  )
  .addArgument(new Argument('[brokers...]', 'which of them (default: all)').choices(NAMES))
  .action(async (names: readonly string[]) => {
    await run(names.length === 0 ? NAMES : names);
  });

async function run(names: readonly string[]): Promise<void> {
  const { told, forget } = toldToStop();
  const starting = [...new Set(names)].map((name) => start(name));
  let failed = false;
  try {
    const settled = Promise.allSettled(starting);
    const outcomes = await Promise.race([settled, told]);
    if (outcomes === undefined) return;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      failed = true;
      say(process.stderr, String(outcome.reason));
    }
    if (failed) return;
    say(process.stderr, 'Ready. Press Ctrl-C to stop.');
    await told;
  } finally {
    forget();
    say(process.stderr, 'Stopping.');
    await stopAll(starting);
    process.exitCode = failed ? 1 : 0;
  }
}

async function start(name: string): Promise<Started> {
  const starter = STARTERS[name];
  if (starter === undefined) throw new Error(`there is no broker named ${name}`);
  say(process.stderr, `Starting ${name} ...`);
  const started = await starter();
  for (const { url, variable } of started.urls) {
    say(process.stdout, `${started.broker.name}: ${url}`);
    if (variable !== undefined) say(process.stdout, `export ${variable}='${url}'`);
  }
  return started;
}

async function stopAll(starting: readonly Promise<Started>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(starting)) {
    if (outcome.status === 'fulfilled') await outcome.value.broker.stop();
  }
}

/** `told` resolves at the first Ctrl-C; the second one ends the process at once, and the brokers with it. */
function toldToStop(): { readonly told: Promise<undefined>; readonly forget: () => void } {
  // Without a timer nothing would keep the process alive while it waits.
  const alive = setInterval(() => undefined, 60_000);
  const told = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        resolve(undefined);
      });
    }
  });
  return {
    told,
    forget() {
      clearInterval(alive);
    },
  };
}

function say(stream: NodeJS.WritableStream, text: string): void {
  stream.write(`${text}\n`);
}

await program.parseAsync();
