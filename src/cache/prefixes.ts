/** Those of `keys` that begin with one of `prefixes`: one pass, however many prefixes there are. */
export function matching(keys: Iterable<string>, prefixes: readonly string[]): string[] {
  const wanted = new Set(prefixes);
  const lengths = new Set(prefixes.map(({ length }) => length));
  const found: string[] = [];
  for (const key of keys) {
    for (const length of lengths) {
      if (length > key.length || !wanted.has(key.slice(0, length))) continue;
      found.push(key);
      break;
    }
  }
  return found;
}
