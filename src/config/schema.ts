import { z } from 'zod';
import type { Configuration } from './configuration.ts';

/** A secret: as it is, or better the name of an environment variable or of a file that holds it. */
const secret = z
  .union([
    z.string().min(1),
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ file: z.string().min(1) }),
  ])
  .describe('A secret: the text itself, { "env": "NAME" } or { "file": "/path" }.');

const ms = (text: string): z.ZodNumber => z.number().positive().describe(`${text} In ms.`);
const count = (text: string): z.ZodNumber => z.int().min(1).describe(text);
const name = (text: string): z.ZodString => z.string().min(1).describe(text);

const tls = z
  .strictObject({
    ca: name(
      'A file with the certificate authorities to trust instead of the system’s, PEM.',
    ).exactOptional(),
    cert: name('A file with the client’s own certificate, PEM.').exactOptional(),
    key: name('A file with the key of cert, PEM.').exactOptional(),
    servername: name('The name that the server’s certificate must carry.').exactOptional(),
    acceptAnyCertificate: z
      .boolean()
      .describe('true accepts any certificate, so anybody can pose as the server. For experiments.')
      .exactOptional(),
  })
  .describe('Encryption; an empty object makes it mandatory.');

const hosts = z
  .array(z.string().min(1))
  .min(1)
  .describe('Addresses (host or host:port) to try in turn.');

const xmpp = z.strictObject({
  service: name('xmpp://host:port, xmpps://…, ws://… or wss://…'),
  hosts: hosts.exactOptional(),
  domain: name('The domain of the account, where the service does not tell it.').exactOptional(),
  room: name('The room, such as cache@conference.example.com.'),
  username: name('The account’s name.'),
  password: secret,
  roomPassword: secret.exactOptional(),
  tls: tls.exactOptional(),
  maxFrameBytes: count('The longest frame, in bytes.').exactOptional(),
  requestAckIntervalMs: ms(
    'After how much silence the server is asked for a sign of life.',
  ).exactOptional(),
  ackTimeoutMs: ms('How long it may take to give one.').exactOptional(),
  selfPingAfterMs: ms(
    'After how much silence of the room we ask whether we are still in it.',
  ).exactOptional(),
});

const stomp = z.strictObject({
  host: name('The broker’s host.').exactOptional(),
  port: z.int().min(1).max(65_535).exactOptional(),
  hosts: hosts.exactOptional(),
  vhost: name('The virtual host.').exactOptional(),
  username: name('The account’s name.').exactOptional(),
  password: secret.exactOptional(),
  topic: name('The topic, without /topic/.'),
  tls: tls.exactOptional(),
  heartbeatMs: ms('How often each side gives a sign of life.').exactOptional(),
  prefetch: count('Messages handed out before earlier ones are acknowledged.').exactOptional(),
  maxFrameBytes: count('The longest frame, in bytes.').exactOptional(),
});

const amqp = z.strictObject({
  host: name('The broker’s host.').exactOptional(),
  port: z.int().min(1).max(65_535).exactOptional(),
  hosts: hosts.exactOptional(),
  vhost: name('The virtual host.').exactOptional(),
  username: name('The account’s name.').exactOptional(),
  password: secret.exactOptional(),
  exchange: name('The fanout exchange.'),
  tls: tls.exactOptional(),
  heartbeatMs: ms('How often each side gives a sign of life.').exactOptional(),
  prefetch: count('Messages handed out before earlier ones are acknowledged.').exactOptional(),
  maxQueueLength: count('Messages that the broker keeps for a slow node.').exactOptional(),
  maxFrameBytes: count('The longest frame, in bytes.').exactOptional(),
});

const cache = z.strictObject({
  maxEntries: count('Entries kept; the least recently used goes first.'),
  ttlMs: ms('How long a value lives.').exactOptional(),
  negativeTtlMs: ms('How long undefined and null live.').exactOptional(),
  ttlJitter: z
    .number()
    .min(0)
    .max(1)
    .describe('The part of the TTL left to chance.')
    .exactOptional(),
  maxTtlMs: ms('No value lives longer.').exactOptional(),
  loadTimeoutMs: ms('How long a loader may take.').exactOptional(),
  refreshAheadMs: ms(
    'An entry read within this time before it expires is loaded again.',
  ).exactOptional(),
  serveStaleOnErrorMs: ms(
    'How long past its TTL a value may stand in for a load that failed.',
  ).exactOptional(),
  settleMs: ms('The lag of the replicas that loads may read.').exactOptional(),
  onUnproven: z.enum(['ttl', 'bypass', 'stale', 'flush']).exactOptional(),
});

/** The schema of a configuration. Also written as JSON Schema for editors: docs/configuration.schema.json. */
export const configurationSchema: z.ZodType<Configuration> = z.strictObject({
  $schema: z.string().exactOptional(),
  cluster: z.string().min(1).max(64).describe('Clusters of different names never hear each other.'),
  label: z
    .string()
    .regex(/^[^/]{1,48}$/, 'expected 1 to 48 characters without "/"')
    .describe('Names this node for people; no "/".')
    .exactOptional(),
  maxStalenessMs: z
    .number()
    .min(100)
    .describe('X: no read returns a value invalidated longer ago. In ms.')
    .exactOptional(),
  forgetAfterMs: ms('A member that has not been heard for so long is forgotten.').exactOptional(),
  expectedNodes: count('How many nodes the cluster starts with.').exactOptional(),
  uniqueLabel: z
    .boolean()
    .describe('A restarted node supersedes its former incarnation at once.')
    .exactOptional(),
  strict: z
    .boolean()
    .describe('Keep X although the control traffic then grows with the cluster.')
    .exactOptional(),
  guardMaxMs: ms('How long a guarded write may take before an alarm is raised.').exactOptional(),
  onGuardTimeout: z.enum(['hold', 'release']).exactOptional(),
  foreign: z
    .enum(['accept', 'ignore'])
    .describe('What a message without a frame may do.')
    .exactOptional(),
  lingerMs: z.number().min(0).describe('How long to stay after saying bye. In ms.').exactOptional(),
  shards: z
    .int()
    .min(1)
    .max(64)
    .describe('Channels among which the regions are divided; the same on all nodes.')
    .exactOptional(),
  bus: name('A bus URL, instead of transport.').exactOptional(),
  username: name('The account of a bus URL that does not tell it.').exactOptional(),
  password: secret.exactOptional(),
  transport: z
    .enum(['memory', 'ipc', 'xmpp', 'stomp', 'amqp'])
    .describe('Which of the sections below is used.')
    .exactOptional(),
  memory: z.strictObject({ channel: name('What buses share.').exactOptional() }).exactOptional(),
  ipc: z
    .strictObject({
      channel: name('What processes share.').exactOptional(),
      folder: name('Where the sockets live.').exactOptional(),
    })
    .exactOptional(),
  xmpp: xmpp.exactOptional(),
  stomp: stomp.exactOptional(),
  amqp: amqp.exactOptional(),
  caches: z
    .record(z.string().min(1).max(128), cache)
    .describe('The regions, by name.')
    .exactOptional(),
});

/** For editors: what a configuration may hold. */
export function configurationJsonSchema(): object {
  return z.toJSONSchema(configurationSchema, { target: 'draft-7' });
}
