/** How a node tells, among its features, that it divides the regions among several channels (VER-3). */
const PREFIX = 'shards=';

/** What was told in a way that cannot be read, or in two ways: it is the number of nobody. */
const UNREADABLE = 0;

/** The features of a node: the number of its shards comes first, because readers may remember only so many. */
export function featuresWith(shards: number, features: readonly string[]): readonly string[] {
  return shards === 1 ? features : [`${PREFIX}${shards}`, ...features];
}

/** Among how many channels a node with these features divides the regions. Who tells nothing has one. */
export function shardsIn(features: readonly string[]): number {
  const told = features.filter((feature) => feature.startsWith(PREFIX));
  const [only] = told;
  if (only === undefined) return 1;
  const digits = /^[1-9]\d{0,3}$/.exec(only.slice(PREFIX.length));
  return told.length > 1 || digits === null ? UNREADABLE : Number(digits[0]);
}
