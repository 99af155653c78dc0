import { distance } from 'fastest-levenshtein';
import { ConfigurationError } from './configuration-error.ts';

/** What each environment variable sets. The table of docs/configuration.md is compared with this one. */
export const ENVIRONMENT: Readonly<Record<string, { readonly path: string; readonly kind: Kind }>> =
  {
    UNSTALE_CLUSTER: { path: 'cluster', kind: 'text' },
    UNSTALE_LABEL: { path: 'label', kind: 'text' },
    UNSTALE_TRANSPORT: { path: 'transport', kind: 'text' },
    UNSTALE_BUS_URL: { path: 'bus', kind: 'text' },
    UNSTALE_MAX_STALENESS_MS: { path: 'maxStalenessMs', kind: 'number' },
    UNSTALE_FORGET_AFTER_MS: { path: 'forgetAfterMs', kind: 'number' },
    UNSTALE_EXPECTED_NODES: { path: 'expectedNodes', kind: 'number' },
    UNSTALE_UNIQUE_LABEL: { path: 'uniqueLabel', kind: 'boolean' },
    UNSTALE_SHARDS: { path: 'shards', kind: 'number' },
    UNSTALE_FOREIGN: { path: 'foreign', kind: 'text' },
    UNSTALE_USERNAME: { path: '*.username', kind: 'text' },
    UNSTALE_PASSWORD: { path: '*.password', kind: 'text' },
    UNSTALE_PASSWORD_FILE: { path: '*.password', kind: 'file' },
  };

/** `*` in a path is the section of the transport that is chosen; `file` is a secret in a file. */
type Kind = 'text' | 'number' | 'boolean' | 'file';

/** Variables of that prefix that mean something else: where the tests find their servers, and the file itself. */
const OTHERS = new Set([
  'UNSTALE_CONFIG',
  'UNSTALE_XMPP_URL',
  'UNSTALE_STOMP_URL',
  'UNSTALE_AMQP_URL',
  'UNSTALE_RABBITMQ_STOMP_URL',
  'UNSTALE_EJABBERD_URL',
]);

export interface EnvironmentSetting {
  readonly variable: string;
  readonly path: string;
  readonly value: unknown;
}

/**
 * What the environment sets. `secrets` are variables that the configuration itself names.
 * @throws {ConfigurationError} for a variable `UNSTALE_…` that means nothing, and for a number that is none
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { secrets = new Set() }: { readonly secrets?: ReadonlySet<string> } = {},
): EnvironmentSetting[] {
  const settings: EnvironmentSetting[] = [];
  const findings: string[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('UNSTALE_') || text === undefined) continue;
    if (OTHERS.has(variable) || secrets.has(variable)) continue;
    const known = ENVIRONMENT[variable];
    if (known === undefined) {
      findings.push(`${variable}: unknown variable${suggestion(variable)}`);
      continue;
    }
    const value = valueOf(text, known.kind);
    if (value === undefined) {
      findings.push(
        `${variable}: expected a ${known.kind === 'boolean' ? '"true" or "false"' : 'number'}`,
      );
    } else {
      settings.push({ variable, path: known.path, value });
    }
  }
  if (findings.length > 0) throw new ConfigurationError('environment', findings);
  return settings;
}

function valueOf(text: string, kind: Kind): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'file':
      return { file: text };
    case 'number':
      return /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : undefined;
  }
}

/** How many letters may be wrong in a name that is still recognised. */
const MAX_TYPOS = 3;

function suggestion(variable: string): string {
  const [near] = [...Object.keys(ENVIRONMENT), 'UNSTALE_CONFIG']
    .map((known) => ({ known, typos: distance(known, variable) }))
    .filter(({ typos }) => typos <= MAX_TYPOS)
    .toSorted((one, other) => one.typos - other.typos);
  return near === undefined ? '' : `; do you mean ${near.known}?`;
}
