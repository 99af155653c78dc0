import { connect, type ChannelModel } from 'amqplib';
import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { startRabbitMq, type RabbitMqBroker } from '../../brokers/index.ts';

describe('the native RabbitMQ', function () {
  this.timeout(120_000);
  let broker: RabbitMqBroker;
  before(async () => {
    broker = await startRabbitMq();
  });
  after(() => broker.stop());

  it('lets the user of its URL log in, and cancels the consumer of a deleted queue', async () => {
    const connection = await logIn(broker);
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    const cancelled = new Promise<unknown>((resolve) => {
      void channel.consume(queue, resolve);
    });
    expect(await broker.listQueues()).to.deep.equal([queue]);
    await broker.deleteQueue(queue);
    expect(await cancelled).to.equal(null);
    await connection.close();
  });

  it('closes all connections when it is told to', async () => {
    const connection = await logIn(broker);
    const closed = new Promise<string>((resolve) => {
      connection.once('close', (error?: Error) => {
        resolve(String(error?.message));
      });
    });
    await broker.closeAllConnections();
    expect(await closed).to.contain('CONNECTION_FORCED');
  });

  it('blocks publishers while the memory alarm is on', async () => {
    const connection = await logIn(broker);
    const channel = await connection.createChannel();
    const blocked = new Promise((resolve) => connection.once('blocked', resolve));
    const unblocked = new Promise((resolve) => connection.once('unblocked', resolve));
    await broker.setMemoryAlarm(true);
    // A connection is blocked by what it publishes once the alarm has reached it: one message may come before that.
    const publishing = setInterval(() => channel.publish('amq.fanout', '', Buffer.from('x')), 100);
    await blocked.finally(() => {
      clearInterval(publishing);
    });
    await broker.setMemoryAlarm(false);
    await unblocked;
    await connection.close();
  });

  it('deletes an exchange', async () => {
    const connection = await logIn(broker);
    const channel = await connection.createChannel();
    await channel.assertExchange('odd name/é', 'fanout');
    expect(await broker.listExchanges()).to.include('odd name/é');
    await broker.deleteExchange('odd name/é');
    expect(await broker.listExchanges()).not.to.include('odd name/é');
    await connection.close();
  });

  it('is killed and comes back on the same port with the same users', async () => {
    await broker.addUser('bob', 'first');
    await broker.kill();
    await broker.start();
    const connection = await logIn(broker, 'bob', 'first');
    await connection.close();
  });

  it('leaves no folder and no port mapper behind when it is stopped', async () => {
    const pid = await broker.evaluate('os:getpid().');
    expect(existsSync(`/proc/${digitsOf(pid)}`)).to.equal(true);
    await broker.stop();
    expect(existsSync(`/proc/${digitsOf(pid)}`)).to.equal(false);
    expect(existsSync(broker.folder)).to.equal(false);
  });
});

async function logIn(
  broker: RabbitMqBroker,
  username = broker.username,
  password = broker.password,
): Promise<ChannelModel> {
  const connection = await connect({
    hostname: broker.host,
    port: broker.port,
    username,
    password,
  });
  // A test that fails leaves its connection to the broker's end; that must not fail the tests after it.
  connection.on('error', () => undefined);
  return connection;
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}
