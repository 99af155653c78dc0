import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What @xmpp/client asks of a SASL mechanism. Its texts are binary strings: one character, one byte. */
export interface SaslMechanism {
  readonly name: string;
  readonly clientFirst: boolean;
  challenge(text: string): void;
  response(credentials: SaslCredentials): string | Promise<string>;
}

export interface SaslCredentials {
  readonly username: string;
  readonly password: string;
}

const HASHES = {
  'SCRAM-SHA-512': 'sha512',
  'SCRAM-SHA-256': 'sha256',
  'SCRAM-SHA-1': 'sha1',
} as const;

export type ScramName = keyof typeof HASHES;

/** What we know, the strongest first. */
export const SCRAM_NAMES: readonly ScramName[] = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1'];

const deriveKey = promisify(pbkdf2);
/** RFC 7677 asks for 4,096 or more. A server that asks for this much more wants to keep us busy. */
const MAX_ITERATIONS = 1_000_000;

/**
 * SCRAM (RFC 5802), without channel binding. The client library brings one that hashes in JavaScript: a login
 * costs half a second of CPU, every cut of the line costs a login, and a server may ask for any number of rounds.
 */
export class ScramMechanism implements SaslMechanism {
  readonly name: ScramName;
  readonly clientFirst = true;
  readonly #nonce: string;
  #firstBare = '';
  #serverFirst: string | undefined;
  #serverSignature: Buffer | undefined;
  #serverFinal = '';

  /** `nonce`: what nobody can guess; given only to compare with the examples of the RFCs. */
  constructor(name: ScramName, nonce: string = randomBytes(18).toString('base64')) {
    this.name = name;
    this.#nonce = nonce;
  }

  challenge(text: string): void {
    // Some servers send their last message as one more challenge, and not with their `<success/>`.
    if (this.#serverSignature === undefined) this.#serverFirst = text;
    else this.#serverFinal = text;
  }

  response(credentials: SaslCredentials): string | Promise<string> {
    if (this.#serverFinal !== '') return '';
    return this.#serverFirst === undefined
      ? this.#first(credentials.username)
      : this.#final(this.#serverFirst, credentials.password);
  }

  /** Whether the server has shown that it knows the password as well. `last`: what came with its `<success/>`. */
  isFromServer(last: string): boolean {
    const expected = this.#serverSignature;
    const text = last === '' ? this.#serverFinal : last;
    const given = Buffer.from(/(?:^|,)v=([^,]+)/.exec(text)?.[1] ?? '', 'base64');
    return expected?.length === given.length && timingSafeEqual(expected, given);
  }

  #first(username: string): string {
    const name = username.normalize('NFKC').replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#firstBare = `n=${name},r=${this.#nonce}`;
    return binary(`n,,${this.#firstBare}`);
  }

  async #final(serverFirst: string, password: string): Promise<string> {
    const { nonce, salt, iterations } = parsed(serverFirst, this.#nonce);
    const hash = HASHES[this.name];
    const bytes = createHash(hash).digest().length;
    const salted = await deriveKey(password.normalize('NFKC'), salt, iterations, bytes, hash);
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${nonce}`;
    const exchange = `${this.#firstBare},${serverFirst},${withoutProof}`;
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), exchange);
    const signature = hmac(createHash(hash).update(clientKey).digest(), exchange);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    return binary(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }
}

/** UTF-8 as the client library's base64 takes it. */
export function binary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function parsed(serverFirst: string, clientNonce: string) {
  const [, nonce = '', salt = '', rounds = ''] =
    /^r=([^,]+),s=([^,]+),i=(\d+)(?:,|$)/.exec(serverFirst) ?? [];
  const iterations = Number(rounds);
  if (!nonce.startsWith(clientNonce) || !(iterations >= 1) || iterations > MAX_ITERATIONS) {
    throw new Error('the server asked for a login that does not follow SCRAM');
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations };
}
