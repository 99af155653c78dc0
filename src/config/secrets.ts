import { readFileSync } from 'node:fs';
import type { Secret, TlsSection } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';

/** A key or a certificate larger than this is none. */
const MAX_SECRET_BYTES = 65_536;

/**
 * Looks a secret up.
 * @throws {ConfigurationError} that names the option and the place, never the secret
 */
export function secretOf(
  path: string,
  secret: Secret,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (typeof secret === 'string') return secret;
  if ('env' in secret) {
    const value = env[secret.env];
    if (value !== undefined && value !== '') return value;
    throw new ConfigurationError('configuration', [
      `${path}: the variable ${secret.env} is not set`,
    ]);
  }
  // Editors and `echo` end a file with a newline, which no password has.
  return readText(path, secret.file).replace(/\r?\n$/, '');
}

/** The files of a TLS section, read. @throws {ConfigurationError} as `secretOf` */
export function tlsOf(path: string, section: TlsSection): TlsSection {
  const { ca, cert, key, ...rest } = section;
  return {
    ...rest,
    ...(ca === undefined ? {} : { ca: readText(`${path}.ca`, ca) }),
    ...(cert === undefined ? {} : { cert: readText(`${path}.cert`, cert) }),
    ...(key === undefined ? {} : { key: readText(`${path}.key`, key) }),
  };
}

function readText(path: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigurationError('configuration', [`${path}: ${file} cannot be read (${code})`]);
  }
  if (text.length > MAX_SECRET_BYTES) {
    throw new ConfigurationError('configuration', [`${path}: ${file} is too large for a secret`]);
  }
  return text;
}
