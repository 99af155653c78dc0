import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { ipcBus, type IpcBusOptions, sendIpcMessage } from '../../../adapters/ipc/index.ts';
import { BusError, type InvalidationBus } from '../../../src/index.ts';
import { rejection } from '../../unit/bus/bench-bus.ts';
import { Heard } from '../../support/heard.ts';
import { privateFolder } from './private-folder.ts';
import { leaveStaleSocket } from './stale-socket.ts';

interface Member {
  readonly bus: InvalidationBus;
  readonly heard: Heard;
}

describe('the ipc bus, with several buses in one process', () => {
  const { folder, remove } = privateFolder();
  const open: InvalidationBus[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((bus) => bus.close()));
  });
  after(remove);

  async function joined(options: Partial<IpcBusOptions> = {}): Promise<Member> {
    const bus = ipcBus({ channel: 'c', folder, ...options });
    const heard = new Heard();
    await bus.open(heard.receiver);
    open.push(bus);
    return { bus, heard };
  }

  it('delivers to every bus of the channel, the publisher included, in one order', async () => {
    const members = [await joined(), await joined(), await joined()];
    await Promise.all(
      members.flatMap(({ bus }, index) =>
        Array.from({ length: 200 }, (_, frame) => bus.publish(`${index}-${frame}`)),
      ),
    );
    await Promise.all(members.map(({ heard }) => heard.until((lines) => lines.length === 600)));
    const [first] = members;
    for (const { heard } of members) expect(heard.lines).to.deep.equal(first?.heard.lines);
  });

  it('goes on undisturbed when the bus is closed that made the hub', async () => {
    const a = await joined();
    const b = await joined();
    const c = await joined();
    await a.bus.close();
    await b.bus.publish('x');
    await c.heard.until('x');
    expect(b.heard.lines).to.deep.equal(['x']);
    expect(c.heard.lines).to.deep.equal(['x']);
  });

  it('leaves no file behind, and can be opened again at the same place', async () => {
    for (let round = 0; round < 20; round += 1) {
      const a = await joined();
      const b = await joined();
      await a.bus.publish('x');
      await Promise.all([a.bus.close(), b.bus.close()]);
      expect(readdirSync(folder)).to.deep.equal([]);
    }
  });

  it('keeps channels apart, however odd their names are', async () => {
    const names = [
      'c',
      'C',
      'c ',
      'a/b',
      '../c',
      '..',
      '.',
      'é',
      'e\u0301',
      'x'.repeat(200),
      '\u0000',
    ];
    names.push(
      '\ud800',
      '\ud801',
      '=1234',
      '.claim-1',
      'x'.repeat(32),
      'x'.repeat(33),
      '🙂'.repeat(500),
    );
    const members = await Promise.all(names.map((channel) => joined({ channel })));
    await Promise.all(members.map(({ bus }, index) => bus.publish(`${index}`)));
    expect(members.map(({ heard }) => heard.lines)).to.deep.equal(
      names.map((_, index) => [`${index}`]),
    );
  });

  it('takes the longest frame and any printable text', async () => {
    const a = await joined();
    const b = await joined();
    const frames = [
      '',
      ' ',
      '\\u0000 " \' ]]> <x/> & %n',
      'y'.repeat(a.bus.capabilities.maxFrameBytes),
    ];
    await Promise.all(frames.map((frame) => a.bus.publish(frame)));
    await b.heard.until((lines) => lines.length === frames.length);
    expect(b.heard.lines).to.deep.equal(frames);
  });

  it('delivers a message of any text, with one id for all members', async () => {
    const a = await joined();
    const b = await joined();
    const text = 'article:42\nline two \u0000 \ud800 🙂 \u0001F{}';
    await sendIpcMessage({ channel: 'c', folder, text });
    await Promise.all([a, b].map(({ heard }) => heard.until((lines) => lines.length === 1)));
    expect(a.heard.lines[0])
      .to.match(/^foreign [0-9a-f]+-1 /)
      .and.satisfy((line: string) => line.endsWith(text));
    expect(b.heard.lines).to.deep.equal(a.heard.lines);
  });

  it('tells the sender of a message when nobody is there', async () => {
    const sending = sendIpcMessage({ channel: 'empty', folder, text: 'x' });
    expect(await rejection(sending)).to.include({ code: 'BUS_UNREACHABLE' });
    expect(await rejection(sendIpcMessage({ channel: 'c', folder, text: '' }))).to.be.instanceOf(
      TypeError,
    );
  });

  it('makes its members meet anew when the place was removed under the hub', async () => {
    const a = await joined();
    remove();
    const b = await joined();
    await a.heard.until('resumed possible');
    await b.bus.publish('x');
    await a.heard.until('x');
    expect(a.heard.lines).to.deep.equal(['interrupted BUS_UNREACHABLE', 'resumed possible', 'x']);
  });

  it('takes over a place that a dead hub has left', async () => {
    await leaveStaleSocket(join(folder, 'c'));
    const a = await joined();
    await a.bus.publish('x');
    expect(a.heard.lines).to.deep.equal(['x']);
    expect(readdirSync(join(folder, 'c'))).to.have.length(1);
  });

  it('is open to nobody else', async () => {
    await joined();
    const { mode } = statSync(join(folder, 'c'));
    expect(mode & 0o777).to.equal(0o700);
  });

  for (const [what, options] of [
    ['an empty channel', { channel: '' }],
    ['a channel that is no text', { channel: JSON.parse('null') }],
    ['a folder that is no path', { folder: '' }],
    ['a folder whose sockets would have too long a path', { folder: `/tmp/${'x'.repeat(100)}` }],
    ['a heartbeat of 0', { heartbeatMs: 0 }],
    ['a heartbeat that is no number', { heartbeatMs: JSON.parse('"1"') }],
  ] as const) {
    it(`refuses ${what} before it does anything`, () => {
      expect(() => ipcBus({ channel: 'c', folder, ...options })).to.throw(TypeError, 'options.');
    });
  }
});

describe('the folder of the ipc bus', () => {
  const { folder, remove } = privateFolder();
  after(remove);

  it('is refused when others could enter it, with the command that mends it', async () => {
    const place = join(folder, 'open');
    mkdirSync(place);
    chmodSync(place, 0o755);
    const { code, message } = await refusal(place);
    expect(code).to.equal('BUS_ACCESS_DENIED');
    expect(message).to.contain('chmod 700').and.contain(place);
  });

  it('is refused when it belongs to somebody else', async () => {
    const place = process.getuid?.() === 0 ? join(folder, 'other') : '/';
    if (place !== '/') {
      mkdirSync(place, { mode: 0o700 });
      chownSync(place, 12_345, 12_345);
    }
    expect(await refusal(place)).to.include({ code: 'BUS_ACCESS_DENIED' });
  });

  it('is refused when it is a file', async () => {
    const place = join(folder, 'file');
    writeFileSync(place, '');
    expect(await refusal(place)).to.include({ code: 'BUS_MISCONFIGURED' });
    expect(await refusal(join(place, 'below'))).to.include({ code: 'BUS_MISCONFIGURED' });
  });

  it('is refused when something else lies where the sockets go', async () => {
    const place = join(folder, 'used');
    mkdirSync(join(place, 'c'), { recursive: true, mode: 0o700 });
    writeFileSync(join(place, 'c', 'notes.txt'), '');
    const { code, message } = await refusal(place);
    expect(code).to.equal('BUS_MISCONFIGURED');
    expect(message).to.contain(join(place, 'c'));
  });
});

/** How the bus refuses a folder. */
async function refusal(folder: string): Promise<BusError> {
  const error = await rejection(ipcBus({ channel: 'c', folder }).open(new Heard().receiver));
  if (error instanceof BusError) return error;
  throw error;
}
