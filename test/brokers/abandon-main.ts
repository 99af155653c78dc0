import { startProsody } from '../../brokers/index.ts';

/** Starts a broker, says where, and ends without stopping it, in the way that it is told. */
const broker = await startProsody();
process.stdout.write(`${JSON.stringify({ folder: broker.folder, port: broker.port })}\n`);
switch (process.argv[2]) {
  case 'frozen':
    broker.pause();
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'exit':
    process.exit(3);
    break;
  case 'throw':
    throw new Error('thrown on purpose');
  case undefined:
  default:
    process.kill(process.pid, process.argv[2]);
}
