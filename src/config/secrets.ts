import { closeSync, openSync, readSync } from 'node:fs';
import type { Secret, TlsSection } from './configuration.ts';
import { ConfigurationError } from './configuration-error.ts';
import { explainFileError } from './explain-file-error.ts';

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
  const text = readText(path, secret.file).replace(/\r?\n$/, '');
  if (text !== '') return text;
  throw new ConfigurationError('configuration', [`${path}: ${secret.file} is empty`]);
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
  const text = readBounded(path, file);
  if (text !== undefined) return text;
  const finding = `${path}: ${file} is larger than the ${MAX_SECRET_BYTES} bytes that a secret may have`;
  throw new ConfigurationError('configuration', [finding]);
}

/** `undefined`: there is more in it. A device has no size, so what is read is bounded and not what is announced. */
function readBounded(path: string, file: string): string | undefined {
  const bytes = Buffer.alloc(MAX_SECRET_BYTES + 1);
  try {
    const descriptor = openSync(file, 'r');
    try {
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read) {
        read = readSync(descriptor, bytes, length, bytes.length - length, null);
      }
      return length > MAX_SECRET_BYTES ? undefined : bytes.toString('utf8', 0, length);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const finding = `${path}: ${file} cannot be read: ${explainFileError(error)}`;
    throw new ConfigurationError('configuration', [finding]);
  }
}
