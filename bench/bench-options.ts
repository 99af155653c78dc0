/** What a bench can be told on the command line. */
export interface BenchOptions {
  /** Only these of its parts, by name. */
  readonly only?: readonly string[];
  readonly rounds?: number;
  readonly keys?: number;
  /** A folder for processor profiles of our own processes. */
  readonly profileIn?: string;
  readonly onProgress?: (line: string) => void;
}
