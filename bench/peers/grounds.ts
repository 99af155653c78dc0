import {
  startCourse,
  startRedisCourse,
  COURSES,
  type Course,
  type CourseName,
} from '../rig/course.ts';
import type { ContenderConfig, Login } from '../rig/contender.ts';
import { PEERS, type PeerName } from '../rig/peer-cache.ts';

/** Where ours takes part. */
export type BusName = 'ipc' | CourseName;
export const BUSES: readonly BusName[] = ['ipc', ...COURSES];

/** One who takes part, and with what for `nodes` processes. */
export interface Side {
  readonly name: BusName | PeerName | 'ioredis';
  readonly title: string;
  config(nodes: number, channel: string): ContenderConfig;
}

/** The brokers and the Redis server on which everybody meets, for the whole bench. */
export interface Grounds extends AsyncDisposable {
  readonly ours: readonly Side[];
  readonly peers: readonly Side[];
  readonly ioredis: Side;
  readonly redis: Login;
  readonly courses: ReadonlyMap<BusName, Course>;
}

export async function startGrounds(
  names: readonly BusName[],
  onProgress: ((line: string) => void) | undefined,
): Promise<Grounds> {
  const courses = new Map<BusName, Course>();
  const started: AsyncDisposable[] = [];
  const end = async (): Promise<void> => {
    for (const one of started.toReversed()) await one[Symbol.asyncDispose]();
  };
  try {
    for (const name of COURSES) {
      if (!names.includes(name)) continue;
      onProgress?.(`starting a broker for ${name}`);
      const course = await startCourse(name);
      started.push(course);
      courses.set(name, course);
    }
    const redis = await startRedisCourse();
    started.push(redis);
    return {
      ours: names.map((name) => ourSide(name, courses.get(name))),
      peers: PEERS.map((name) => peerSide(name, redis.contender)),
      ioredis: {
        name: 'ioredis',
        title: 'ioredis, pub/sub',
        config: (_, channel) => ({ ...redis.contender, channel }),
      },
      redis: redis.contender,
      courses,
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function ourSide(name: BusName, course: Course | undefined): Side {
  if (course !== undefined) {
    return { name, title: course.title, config: (nodes) => course.unstale(nodes) };
  }
  return {
    name,
    title: 'unstale, ipc',
    config: (nodes, channel) => ({
      type: 'unstale',
      nodes,
      bus: { transport: 'ipc', channel: `${channel}-${process.pid}` },
    }),
  };
}

function peerSide(name: PeerName, { host, port, username, password }: Login): Side {
  return {
    name,
    title: `${name}, Redis`,
    config: (nodes, channel) => ({
      type: 'peer',
      name,
      host,
      port,
      username,
      password,
      channel: `${channel}-${name}`,
      nodes,
    }),
  };
}
