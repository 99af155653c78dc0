import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../brokers/run-command.ts';

/** A certificate and its key, as PEM files. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the TLS tests need, made new for each run. */
export interface Certificates {
  readonly folder: string;
  readonly ca: Certificate;
  /** For `localhost` and 127.0.0.1, by `ca`. */
  readonly server: Certificate;
  /** For `elsewhere.example`, by `ca`: the right authority, the wrong name. */
  readonly wrongHost: Certificate;
  /** An authority that nobody here trusts. */
  readonly foreignCa: Certificate;
  /** For a client named `unstale`, by `ca`. */
  readonly client: Certificate;
  /** For a client named `unstale`, by `foreignCa`. */
  readonly foreignClient: Certificate;
  /** Removes the files. */
  remove(): void;
}

/** Makes them with the openssl command line. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), 'unstale-certificates-'));
  const ca = await authority(folder, 'ca');
  const foreignCa = await authority(folder, 'foreign-ca');
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  return {
    folder,
    ca,
    foreignCa,
    server: await signed(folder, { name: 'server', subject: 'localhost', names, ca }),
    wrongHost: await signed(folder, {
      name: 'wrong-host',
      subject: 'elsewhere.example',
      names: 'subjectAltName=DNS:elsewhere.example',
      ca,
    }),
    client: await signed(folder, { name: 'client', subject: 'unstale', ca }),
    foreignClient: await signed(folder, {
      name: 'foreign-client',
      subject: 'unstale',
      ca: foreignCa,
    }),
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function authority(folder: string, name: string): Promise<Certificate> {
  const made = files(folder, name);
  await runCommand(
    'openssl',
    [
      ['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=unstale test ${name}`],
      ['-keyout', made.keyFile, '-out', made.certFile],
    ].flat(),
  );
  return made;
}

interface Wanted {
  readonly name: string;
  readonly subject: string;
  readonly names?: string;
  readonly ca: Certificate;
}

async function signed(folder: string, wanted: Wanted): Promise<Certificate> {
  const made = files(folder, wanted.name);
  const request = join(folder, `${wanted.name}.csr`);
  const extensions = join(folder, `${wanted.name}.ext`);
  writeFileSync(extensions, `basicConstraints=CA:FALSE\n${wanted.names ?? ''}\n`);
  await runCommand(
    'openssl',
    [
      ['req', ...NEW_KEY, '-subj', `/CN=${wanted.subject}`],
      ['-keyout', made.keyFile, '-out', request],
    ].flat(),
  );
  await runCommand(
    'openssl',
    [
      ['x509', '-req', '-in', request, '-CA', wanted.ca.certFile, '-CAkey', wanted.ca.keyFile],
      ['-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', made.certFile],
    ].flat(),
  );
  return made;
}

function files(folder: string, name: string): Certificate {
  return { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
}
