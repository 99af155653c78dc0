import diagnosticsChannel from 'node:diagnostics_channel';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';

import { ipcBus } from '../../../adapters/ipc/index.ts';
import { MAX_LINE_BYTES } from '../../../adapters/ipc/record.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { deferred } from '../../unit/bus/scripted-driver.ts';
import { Heard } from '../../support/heard.ts';
import { privateFolder } from './private-folder.ts';

const HELLO = '\u0001H{"v":1,"heartbeatMs":1000}\n';

describe('the hub of the ipc bus, against what other programs write to its socket', () => {
  const { folder, remove } = privateFolder();
  const refusals: unknown[] = [];
  const onRefusal = (refusal: unknown): void => {
    refusals.push(refusal);
  };
  const heard = new Heard();
  const bus = ipcBus({ channel: 'c', folder });
  before(async () => {
    diagnosticsChannel.subscribe('unstale:ipc:refused', onRefusal);
    await bus.open(heard.receiver);
  });
  beforeEach(() => {
    refusals.length = 0;
    heard.lines.length = 0;
  });
  afterEach('the bus still works', async () => {
    await bus.publish('still alive');
    expect(heard.lines.at(-1)).to.equal('still alive');
    expect(heard.lines.filter((line) => line.startsWith('interrupted'))).to.deep.equal([]);
  });
  after(async () => {
    diagnosticsChannel.unsubscribe('unstale:ipc:refused', onRefusal);
    await bus.close();
    remove();
  });

  function stranger(): Socket {
    const [socket = ''] = readdirSync(join(folder, 'c'));
    const connection = connect(join(folder, 'c', socket));
    connection.on('error', () => undefined);
    connection.resume();
    return connection;
  }

  /** What the hub answers before it hangs up. */
  async function answerTo(...lines: string[]): Promise<string> {
    const connection = stranger();
    const answers: Buffer[] = [];
    connection.on('data', (chunk) => answers.push(chunk));
    connection.write(lines.join(''));
    await once(connection, 'close');
    return Buffer.concat(answers).toString();
  }

  for (const [what, lines, reason] of [
    ['an unknown kind of record', ['\u0001X\n'], 'unknown'],
    ['a frame before the hello', ['\u0001Fx\n'], 'before the hello'],
    ['a second hello', [HELLO, HELLO], 'second hello'],
    ['a hello without sense', ['\u0001H[1]\n'], 'hello'],
    ['a frame that is no frame', [HELLO, '\u0001Fé\n'], 'ASCII'],
    ['what only a hub says', [HELLO, '\u0001Ox\n'], 'only the hub'],
    ['a deeply nested message', [`\u0001M${'[{"a":'.repeat(20_000)}\n`], 'text'],
    ['a line of half a megabyte', ['x'.repeat(MAX_LINE_BYTES + 1)], 'longer'],
    ['a line that is too long for a message', [`${'x'.repeat(70_000)}\n`], 'longer'],
  ] as const) {
    it(`refuses ${what}, says so, counts it, and hangs up`, async () => {
      const answer = await answerTo(...lines);
      expect(answer).to.contain('\u0001R{"reason":').and.contain(reason);
      expect(refusals).to.have.length(1);
      expect(refusals[0]).to.have.property('reason').that.contains(reason);
      expect(refusals[0]).to.have.property('refused').that.is.greaterThan(0);
      expect(heard.lines).to.deep.equal([]);
    });
  }

  it('tells a member of another version that it must be updated', async () => {
    const answer = await answerTo('\u0001H{"v":2,"heartbeatMs":1000}\n');
    expect(answer).to.contain('"permanent":true').and.contain('version 1 and not 2');
  });

  it('refuses 100 MB without a line end, at once and without keeping them', async () => {
    const connection = stranger();
    const megabyte = Buffer.alloc(1_024 * 1_024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    let written = 0;
    while (written < 100 && connection.writable) {
      written += 1;
      await new Promise((resolve) => connection.write(megabyte, resolve));
    }
    expect(written).to.be.lessThan(100);
    expect(refusals).to.have.length(1);
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(32 * 1_024 * 1_024);
  });

  it('counts half a record when its writer is gone, and hears nothing of it', async () => {
    const connection = stranger();
    connection.end(`${HELLO}\u0001Fhalf`);
    connection.resume();
    await once(connection, 'close');
    await heardSentinel();
    expect(refusals.map((refusal) => JSON.stringify(refusal)).join()).to.contain('in the middle');
    expect(heard.lines).to.deep.equal(['sentinel']);
  });

  it('hears each line that a person writes as a message, with or without an end', async () => {
    const connection = stranger();
    connection.write('article:42\nartic');
    await heard.until((lines) => lines.length === 1);
    connection.write('le:43 é🙂\r\n\n\narticle:44');
    await heard.until((lines) => lines.length === 2);
    connection.end();
    await heard.until((lines) => lines.length === 3);
    expect(heard.lines.map((line) => line.replace(/^foreign [0-9a-f]+-\d+ /, ''))).to.deep.equal([
      'article:42',
      'article:43 é🙂',
      'article:44',
    ]);
    expect(refusals).to.deep.equal([]);
  });

  it('does not hear a line that looks like a frame as one', async () => {
    const connection = stranger();
    connection.end('{"v":1,"ns":"shop","t":"inv"}\nFx\n\\u0001Fx\n');
    await heard.until((lines) => lines.length === 3);
    expect(heard.lines.every((line) => line.startsWith('foreign '))).to.equal(true);
  });

  it('survives random bytes, and connections that come and go', async () => {
    for (let round = 0; round < 100; round += 1) {
      const connection = stranger();
      if (round % 3 === 0) connection.destroy();
      else {
        connection.write(randomBytes(1 + round * 20));
        if (round % 3 === 1) connection.end();
        else connection.destroy();
      }
      await once(connection, 'close');
    }
    await heardSentinel();
    expect(heard.lines.filter((line) => !line.startsWith('foreign '))).to.deep.equal(['sentinel']);
  });

  async function heardSentinel(): Promise<void> {
    await bus.publish('sentinel');
    await heard.until('sentinel');
  }
});

describe('a member of the ipc bus, against what answers in place of the hub', () => {
  const { folder, remove } = privateFolder();
  const servers: { readonly server: Server; readonly path: string }[] = [];
  afterEach(() => {
    for (const { server, path } of servers.splice(0)) {
      server.close();
      try {
        unlinkSync(path);
      } catch {
        // The server has removed it.
      }
    }
  });
  after(remove);

  /** Something that listens where the hub should. */
  async function impostor(channel: string, onConnection: (socket: Socket) => void): Promise<void> {
    mkdirSync(join(folder, channel), { mode: 0o700 });
    const path = join(folder, channel, 'deadbeef.sock');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    server.listen(path);
    await once(server, 'listening');
    servers.push({ server, path });
  }

  async function opening(channel: string): Promise<unknown> {
    const bus = ipcBus({ channel, folder, heartbeatMs: 50, tuning: { attachTimeoutMs: 300 } });
    return await rejection(bus.open(new Heard().receiver));
  }

  it('gives up when it is hung up on again and again', async () => {
    await impostor('closes', (socket) => socket.destroy());
    expect(await opening('closes')).to.include({ code: 'BUS_UNREACHABLE' });
  });

  it('leaves a hub that only hangs up to the backoff of the engine, after a few dials', async () => {
    let dials = 0;
    await impostor('busy', (socket) => {
      dials += 1;
      socket.destroy();
    });
    const bus = ipcBus({ channel: 'busy', folder });
    expect(await rejection(bus.open(new Heard().receiver))).to.include({ code: 'BUS_UNREACHABLE' });
    expect(dials).to.be.within(2, 6);
  });

  it('gives up when nothing is answered', async () => {
    await impostor('silent', (socket) => {
      socket.resume();
      setTimeout(() => socket.destroy(), 600);
    });
    expect(await opening('silent')).to.include({ code: 'BUS_UNREACHABLE' });
  });

  it('gives up when the answer is another protocol', async () => {
    await impostor('http', (socket) => {
      socket.end('\u0001\u0001\u0001 400 Bad Request\r\n\r\n');
    });
    expect(await opening('http')).to.include({ code: 'BUS_EVICTED' });
  });

  it('gives up when the answer is 100 MB', async () => {
    await impostor('huge', (socket) => {
      const megabyte = Buffer.alloc(1_024 * 1_024, 'x');
      for (let written = 0; written < 100; written += 1) socket.write(megabyte);
    });
    expect(await opening('huge')).to.include({ code: 'BUS_EVICTED' });
  });

  it('fails for good when the hub is of another version', async () => {
    await impostor('version', (socket) => {
      socket.end('\u0001R{"reason":"the hub speaks version 9","permanent":true}\n');
    });
    const error = await opening('version');
    expect(error).to.include({ code: 'BUS_MISCONFIGURED' });
    expect(error).to.have.property('message').that.contains('version 9');
  });

  it('is interrupted by a frame that is said to be its own and is not', async () => {
    const { promise, resolve } = deferred<Socket>();
    await impostor('liar', (socket) => {
      socket.write('\u0001W\n');
      resolve(socket);
    });
    const heard = new Heard();
    const bus = ipcBus({ channel: 'liar', folder });
    await bus.open(heard.receiver);
    (await promise).write('\u0001Fother\n\u0001Onot mine\n');
    await heard.until('interrupted BUS_EVICTED');
    expect(heard.lines).to.deep.equal(['other', 'interrupted BUS_EVICTED']);
    await bus.close();
  });

  it('leaves nothing behind after it was hung up on 200 times', async () => {
    const last: Socket[] = [];
    await impostor('again', (socket) => {
      last.push(socket);
      socket.write('\u0001W\n');
    });
    const heard = new Heard();
    const bus = ipcBus({ channel: 'again', folder, tuning: { retryBaseMs: 1 } });
    await bus.open(heard.receiver);
    const before = openPipes();
    for (let round = 1; round <= 200; round += 1) {
      last.at(-1)?.destroy();
      await heard.until((lines) => lines.length === 2 * round);
    }
    expect(heard.lines.filter((line) => line === 'resumed possible')).to.have.length(200);
    expect(openPipes()).to.equal(before);
    await bus.close();
  });
});

function openPipes(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
}
