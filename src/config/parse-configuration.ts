import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { parseBusUrl } from './bus-url.ts';
import type { Configuration } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';
import { configurationSchema } from './schema.ts';

/**
 * Checks a configuration.
 * @throws {ConfigurationError} with every finding: its path, what was expected, and for an unknown option what may be meant
 */
export function parseConfiguration(raw: unknown, source = 'configuration'): Configuration {
  const parsed = configurationSchema.safeParse(raw);
  if (!parsed.success)
    throw new ConfigurationError(source, parsed.error.issues.flatMap(findingsOf));
  const { bus, transport, username, password } = parsed.data;
  const findings: string[] = [];
  if (bus === undefined && transport === undefined) {
    findings.push(
      'transport: say which bus: memory, ipc, xmpp, stomp or amqp (or give a URL as bus)',
    );
  }
  if (bus !== undefined && transport !== undefined) {
    findings.push('bus: leave it out where transport is given, or the other way round');
  } else if (bus === undefined && (username ?? password) !== undefined) {
    findings.push(
      `${username === undefined ? 'password' : 'username'}: belongs into the section of the transport; here it goes with a bus URL`,
    );
  }
  const needsSection = transport === 'xmpp' || transport === 'stomp' || transport === 'amqp';
  if (needsSection && parsed.data[transport] === undefined) {
    findings.push(`${transport}: the section is missing, and transport chooses it`);
  }
  if (bus !== undefined) findings.push(...findingsOfUrl(bus, parsed.data));
  if (findings.length > 0) throw new ConfigurationError(source, findings);
  return parsed.data;
}

/** The account may come from elsewhere: the password is looked up when the bus is made. */
function findingsOfUrl(url: string, { username, password }: Configuration): string[] {
  try {
    parseBusUrl(url, {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: 'looked up later' }),
    });
    return [];
  } catch (error) {
    return [`bus: ${error instanceof Error ? error.message : 'is no bus URL'}`];
  }
}

function findingsOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      // A forgotten space makes one word of a name and its value, and the value may be a secret.
      if (!OPTION_NAME.test(key)) {
        const place = path === '' ? 'configuration' : path;
        return `${place}: holds something that is no option’s name; is a space missing after a colon?`;
      }
      const at = path === '' ? key : `${path}.${key}`;
      return `${at}: unknown option${suggestion(key, issue.path)}`;
    });
  }
  if (issue.code === 'invalid_union') {
    return [`${path}: expected a text, { "env": "NAME" } or { "file": "/path" }`];
  }
  const text = issue.message.replace(/^Invalid input: /, '').replace(/^Too /, 'too ');
  return [`${path === '' ? 'the whole' : path}: ${text}`];
}

const OPTION_NAME = /^[\w$-]{1,48}$/;

/** How many letters may be wrong in a name that is still recognised. */
const MAX_TYPOS = 3;

function suggestion(key: string, path: readonly PropertyKey[]): string {
  let best: string | undefined;
  let fewest = MAX_TYPOS + 1;
  for (const known of optionsAt(path)) {
    const typos = distance(key.toLowerCase(), known.toLowerCase());
    if (typos >= fewest) continue;
    fewest = typos;
    best = known;
  }
  return best === undefined ? '' : `; do you mean ${best}?`;
}

/** The options that the schema knows at `path`. */
function optionsAt(path: readonly PropertyKey[]): readonly string[] {
  let node: unknown = z.toJSONSchema(configurationSchema, { unrepresentable: 'any' });
  for (const step of path) node = childOf(node, String(step));
  const properties = propertyOf(node, 'properties');
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

function childOf(node: unknown, name: string): unknown {
  return (
    propertyOf(propertyOf(node, 'properties'), name) ?? propertyOf(node, 'additionalProperties')
  );
}

function propertyOf(node: unknown, name: string): unknown {
  if (typeof node !== 'object' || node === null) return undefined;
  return Object.entries(node).find(([key]) => key === name)?.[1];
}
