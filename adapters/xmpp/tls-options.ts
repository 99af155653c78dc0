import { createSecureContext, type SecureContext } from 'node:tls';

export interface XmppTlsOptions {
  /** Certificate authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** The client's own certificate, PEM, for servers that ask for one. */
  readonly cert?: string | Buffer;
  /** The key of `cert`, PEM. */
  readonly key?: string | Buffer;
  /** The name that the server's certificate must carry. Default: `domain` (RFC 6120 section 13.7.2), for `wss://` the host. */
  readonly servername?: string;
  /** `true` accepts any certificate, so anybody can pose as the server. For experiments. Default `false`. */
  readonly acceptAnyCertificate?: boolean;
}

export interface TlsSettings {
  readonly required: boolean;
  readonly context: SecureContext;
  readonly servername: string | undefined;
  readonly verify: boolean;
}

/** @throws {TypeError} naming the option that is wrong */
export function resolveTls(tls: XmppTlsOptions | undefined): TlsSettings {
  if (tls !== undefined && (typeof tls !== 'object' || tls === null)) {
    throw new TypeError('tls must be an object: { ca, cert, key, servername }');
  }
  const { cert, key, servername, acceptAnyCertificate } = tls ?? {};
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError('tls.cert and tls.key go together');
  }
  if (acceptAnyCertificate !== undefined && typeof acceptAnyCertificate !== 'boolean') {
    throw new TypeError('tls.acceptAnyCertificate must be true or false');
  }
  if (servername !== undefined && (typeof servername !== 'string' || servername === '')) {
    throw new TypeError('tls.servername must be a text, not empty');
  }
  return {
    required: tls !== undefined,
    context: contextOf(tls ?? {}),
    servername,
    verify: acceptAnyCertificate !== true,
  };
}

function contextOf({ ca, cert, key }: XmppTlsOptions): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca: [ca].flat() }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch {
    // The reason may quote the key: it is not passed on.
    throw new TypeError('tls.ca, tls.cert and tls.key must be PEM, and the key must fit');
  }
}
