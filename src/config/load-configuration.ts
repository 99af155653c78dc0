import type { Configuration } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';
import { readEnvironment, type EnvironmentSetting } from './environment.ts';
import { parseConfiguration } from './parse-configuration.ts';
import { readConfigurationFile } from './read-configuration-file.ts';

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
  /** Where each option comes from: a file, a variable, `default` or `object`. */
  readonly sources: Readonly<Record<string, string>>;
  /** Options that one source sets and another one overrules. */
  readonly overruled: readonly string[];
}

type Plain = Record<string, unknown>;

/** One value of one source, before it is known whether it wins. */
interface Setting {
  readonly steps: readonly string[];
  readonly value: unknown;
  readonly source: string;
}

/**
 * Puts a configuration together: the file, overruled by the environment, overruled by `object`.
 * @throws {ConfigurationError} that names what is wrong and where
 */
export async function loadConfiguration(
  options: LoadConfigurationOptions = {},
): Promise<LoadedConfiguration> {
  const env = options.env ?? process.env;
  const file = options.file ?? env['UNSTALE_CONFIG'];
  const base = settingsOf(options.base ?? {}, 'default');
  const filed =
    file === undefined ? [] : settingsOf(await readConfigurationFile(file), `file ${file}`);
  const given = settingsOf(options.object ?? {}, 'object');
  const plain = [...base, ...filed, ...given];
  const fromEnvironment = readEnvironment(env, { secrets: variablesOf(plain) });
  const chosen = chosenBus([base, filed, placed(fromEnvironment, {}), given]);
  const merged = new Merged();
  for (const source of [base, filed, placed(fromEnvironment, chosen), given]) merged.add(source);
  const { content, sources, overruled } = merged;
  return { configuration: parseConfiguration(content), sources, overruled };
}

/** What one source after the other has said, the later one winning. */
class Merged {
  readonly content: Plain = {};
  readonly sources: Record<string, string> = {};
  readonly overruled: string[] = [];

  add(settings: readonly Setting[]): void {
    // One of the two says which bus, and a source that has the one does not mean an earlier one's other.
    for (const [one, other] of [
      ['bus', 'transport'],
      ['transport', 'bus'],
    ] as const) {
      const setting = settings.find(({ steps }) => steps.length === 1 && steps[0] === one);
      if (setting !== undefined) this.#forget(other, `${one} of ${setting.source}`);
    }
    for (const { steps, value, source } of settings) {
      const path = steps.join('.');
      this.#note(path, source);
      this.sources[path] = source;
      put(this.content, steps, value);
    }
  }

  #forget(path: string, by: string): void {
    this.#note(path, by);
    delete this.sources[path];
    delete this.content[path];
  }

  #note(path: string, by: string): void {
    const before = this.sources[path];
    if (before === undefined || before === 'default' || before === by) return;
    this.overruled.push(`${path}: ${by} overrules ${before}`);
  }
}

interface Chosen {
  readonly bus?: unknown;
  readonly transport?: unknown;
}

/** The bus that the last source chooses which chooses one. */
function chosenBus(sources: readonly (readonly Setting[])[]): Chosen {
  for (const settings of sources.toReversed()) {
    const chosen: { -readonly [Name in keyof Chosen]: Chosen[Name] } = {};
    for (const { steps, value } of settings) {
      if (steps.length === 1 && steps[0] === 'bus') chosen.bus = value;
      if (steps.length === 1 && steps[0] === 'transport') chosen.transport = value;
    }
    if (chosen.bus !== undefined || chosen.transport !== undefined) return chosen;
  }
  return {};
}

/** What belongs to the chosen section gets its name; a bus without an account needs none of it. */
function placed(
  settings: readonly EnvironmentSetting[],
  { bus, transport }: Chosen,
): readonly Setting[] {
  const accounts = settings.filter(({ path }) => path === '*.password');
  if (accounts.length > 1) {
    const both = accounts.map(({ variable }) => variable).join(' and ');
    throw new ConfigurationError('environment', [`${both}: give one of the two`]);
  }
  return settings.flatMap(({ path, value, variable }) => {
    const steps = path.split('.');
    const here = { value, source: variable };
    if (steps[0] !== '*') return [{ ...here, steps }];
    if (transport === 'xmpp' || transport === 'stomp' || transport === 'amqp') {
      return [{ ...here, steps: [transport, ...steps.slice(1)] }];
    }
    return typeof bus === 'string' && bus.includes('://')
      ? [{ ...here, steps: steps.slice(1) }]
      : [];
  });
}

/** The variables in which secrets are to be found: they may be called as their owner likes. */
function variablesOf(settings: readonly Setting[]): ReadonlySet<string> {
  const names = settings.flatMap(({ value }) =>
    isPlain(value) && typeof value['env'] === 'string' ? [value['env']] : [],
  );
  return new Set(names);
}

function settingsOf(plain: Plain, source: string): readonly Setting[] {
  return Array.from(leaves(plain), ([steps, value]) => ({ steps, value, source }));
}

/** Every value with its path; secrets and lists count as one value. */
function* leaves(
  value: Plain,
  path: readonly string[] = [],
): Iterable<readonly [readonly string[], unknown]> {
  for (const [name, inner] of Object.entries(value)) {
    const isSection = isPlain(inner) && !isSecretPlace(inner);
    if (isSection && Object.keys(inner).length > 0) yield* leaves(inner, [...path, name]);
    else yield [[...path, name], inner];
  }
}

function isSecretPlace(value: Plain): boolean {
  return typeof value['env'] === 'string' || typeof value['file'] === 'string';
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
