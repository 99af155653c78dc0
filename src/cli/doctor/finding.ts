/** What one check has found. */
export interface Finding {
  /** What was looked at: `configuration`, `address`, `login`, `loopback`, … */
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly text: string;
  /** What to change, and where. */
  readonly advice?: string;
  /** On which channel, where the regions are divided among several. */
  readonly shard?: string;
}

export function ok(check: string, text: string): Finding {
  return { check, verdict: 'ok', text };
}

export function warning(check: string, text: string, advice: string): Finding {
  return { check, verdict: 'warning', text, advice };
}

export function failed(check: string, text: string, advice: string): Finding {
  return { check, verdict: 'failed', text, advice };
}

export function skipped(check: string, text: string): Finding {
  return { check, verdict: 'skipped', text };
}
