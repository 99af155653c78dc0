import { open } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { ConfigurationError } from './configuration-error.ts';
import { explainFileError } from './explain-file-error.ts';

/** A configuration file larger than this is none. */
const MAX_FILE_BYTES = 1_048_576;

/** So many aliases may a file have: a few of them can stand for gigabytes. */
const MAX_ALIASES = 20;

/**
 * Reads JSON or YAML as plain data.
 * @throws {ConfigurationError} that names the place of what is wrong, and never shows the text, which may hold a secret
 */
export async function readConfigurationFile(file: string): Promise<Record<string, unknown>> {
  const document = parseDocument(await readText(file), { schema: 'core', uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  // The parser's own message shows the line, and a line may hold a secret.
  if (problem !== undefined) {
    const [place] = problem.linePos ?? [];
    const at = `line ${place?.line ?? '?'}, column ${place?.col ?? '?'}`;
    throw refusal(file, `cannot be read as JSON or YAML: ${problem.code} at ${at}`);
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw refusal(file, `has more aliases than a configuration needs (${MAX_ALIASES})`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw refusal(file, 'must hold an object of options');
  }
  return Object.fromEntries(Object.entries(content));
}

/** A device has no size, so what is read is bounded and not what is announced. */
async function readText(file: string): Promise<string> {
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
  let length = 0;
  try {
    await using handle = await open(file);
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await handle.read(bytes, length, bytes.length - length));
    }
  } catch (error) {
    throw refusal(file, explainFileError(error));
  }
  if (length <= MAX_FILE_BYTES) return bytes.toString('utf8', 0, length);
  throw refusal(file, `is larger than the ${MAX_FILE_BYTES} bytes that a configuration may have`);
}

function refusal(file: string, finding: string): ConfigurationError {
  return new ConfigurationError(file, [finding]);
}
