/** Everything that is wrong with a configuration, each finding with its path and what was expected. Holds no value of it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly findings: readonly string[];

  constructor(source: string, findings: readonly string[], options?: { readonly cause?: unknown }) {
    super(`${source}: ${findings.join('; ')}`, options);
    this.findings = findings;
  }
}
