import { readFile, stat } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { Configuration } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';
import { readEnvironment, type EnvironmentSetting } from './environment.ts';
import { parseConfiguration } from './parse-configuration.ts';

/** A configuration file larger than this is none. */
const MAX_FILE_BYTES = 1_048_576;

export interface LoadConfigurationOptions {
  /** Plain data; what everything else wins over. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Plain data; wins over the environment and the file. */
  readonly object?: Readonly<Record<string, unknown>>;
  /** JSON or YAML. Default: what `UNSTALE_CONFIG` names, if anything. */
  readonly file?: string;
  /** Default `process.env`. Wins over the file. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** Where each option comes from: a file, a variable, or `object`. */
  readonly sources: Readonly<Record<string, string>>;
  /** Options that one source sets and another one overrules. */
  readonly overruled: readonly string[];
}

type Plain = Record<string, unknown>;

/**
 * Puts a configuration together: the file, overruled by the environment, overruled by `object`.
 * @throws {ConfigurationError} that names what is wrong and where
 */
export async function loadConfiguration(
  options: LoadConfigurationOptions = {},
): Promise<LoadedConfiguration> {
  const env = options.env ?? process.env;
  const file = options.file ?? env['UNSTALE_CONFIG'];
  const sources: Record<string, string> = {};
  const overruled: string[] = [];
  const merged: Plain = {};
  const set = (steps: readonly string[], value: unknown, source: string): void => {
    const path = steps.join('.');
    const before = sources[path];
    if (before !== undefined && before !== 'default' && before !== source)
      overruled.push(`${path}: ${source} overrules ${before}`);
    sources[path] = source;
    put(merged, steps, value);
  };
  for (const [path, value] of leaves(options.base ?? {})) set(path, value, 'default');
  if (file !== undefined) {
    for (const [path, value] of leaves(await readConfigurationFile(file))) set(path, value, file);
  }
  for (const setting of placed(readEnvironment(env), merged)) {
    // One of the two says which bus: the one that is given last.
    if (setting.path === 'bus') delete merged['transport'];
    if (setting.path === 'transport') delete merged['bus'];
    set(setting.path.split('.'), setting.value, setting.variable);
  }
  const given = options.object ?? {};
  if (given['bus'] !== undefined) delete merged['transport'];
  if (given['transport'] !== undefined) delete merged['bus'];
  for (const [path, value] of leaves(given)) set(path, value, 'object');
  return { configuration: parseConfiguration(merged), sources, overruled };
}

async function readConfigurationFile(file: string): Promise<Plain> {
  const refuse = (finding: string, cause?: unknown): never => {
    throw new ConfigurationError(file, [finding], { cause });
  };
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES)
      refuse(`has ${size} bytes; a configuration has at most ${MAX_FILE_BYTES}`);
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse(explain(error), error);
  }
  const document = parseDocument(text, { schema: 'core', uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  // The parser's own message shows the line, and a line may hold a secret.
  if (problem !== undefined) {
    const [place] = problem.linePos ?? [];
    refuse(
      `is neither JSON nor YAML: ${problem.code} at line ${place?.line ?? '?'}, column ${place?.col ?? '?'}`,
    );
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 20 });
  } catch {
    refuse('has more aliases than a configuration needs');
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    refuse('must hold an object of options');
  }
  return Object.fromEntries(Object.entries(content ?? {}));
}

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'this user may not read it';
    case 'EISDIR':
      return 'is a folder, not a file';
    default:
      return `cannot be read (${code || 'unknown error'})`;
  }
}

/** Settings for "the chosen section" get its name. */
function placed(settings: readonly EnvironmentSetting[], merged: Plain): EnvironmentSetting[] {
  const chosen = settings.find(({ path }) => path === 'transport')?.value ?? merged['transport'];
  return settings.map((setting) => {
    if (!setting.path.startsWith('*.')) return setting;
    if (chosen === 'xmpp' || chosen === 'stomp' || chosen === 'amqp') {
      return { ...setting, path: `${chosen}${setting.path.slice(1)}` };
    }
    const finding = `${setting.variable}: there is no transport that has a ${setting.path.slice(2)}`;
    throw new ConfigurationError('environment', [finding]);
  });
}

/** Every value with its path; secrets and lists count as one value. */
function* leaves(
  value: Plain,
  path: readonly string[] = [],
): Iterable<readonly [readonly string[], unknown]> {
  for (const [name, inner] of Object.entries(value)) {
    const isSection = isPlain(inner) && !('env' in inner) && !('file' in inner);
    if (isSection && Object.keys(inner).length > 0) yield* leaves(inner, [...path, name]);
    else yield [[...path, name], inner];
  }
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As own properties throughout, whatever their names are. */
function put(target: Plain, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    Object.defineProperty(target, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    return;
  }
  const inner = Object.hasOwn(target, name) ? target[name] : undefined;
  const section = isPlain(inner) ? inner : {};
  if (section !== inner) put(target, [name], section);
  put(section, rest, value);
}
