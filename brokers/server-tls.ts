/** The files (PEM) with which a broker proves who it is. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authority that clients' certificates must come from, where the broker asks for them. */
  readonly caFile?: string;
  /** A client must show a certificate of `caFile`. Default `false`. */
  readonly requireClientCertificate?: boolean;
}
