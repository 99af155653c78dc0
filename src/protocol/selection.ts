/** Lists of names by region. The region `*` stands for every region. */
export type ByRegion = Readonly<Record<string, readonly string[]>>;

/** The region name that stands for every region. */
export const EVERY_REGION = '*';

/** What an invalidation names: keys, tags, prefixes of keys, whole regions, or everything. */
export interface Selection {
  readonly keys?: ByRegion;
  readonly tags?: ByRegion;
  readonly prefixes?: ByRegion;
  readonly regions?: readonly string[];
  readonly all?: boolean;
}

/** How many keys, tags and prefixes it names. */
export function selectionSize(selection: Selection): number {
  let size = 0;
  for (const lists of [selection.keys, selection.tags, selection.prefixes]) {
    if (lists === undefined) continue;
    for (const region in lists) size += lists[region]?.length ?? 0;
  }
  return size;
}

export function isEmptySelection(selection: Selection): boolean {
  return (
    selection.all !== true &&
    (selection.regions === undefined || selection.regions.length === 0) &&
    selectionSize(selection) === 0
  );
}

/** Every region that it concerns, or `all`. */
export function regionsOf(selection: Selection): ReadonlySet<string> | 'all' {
  if (selection.all === true) return 'all';
  const regions = new Set(selection.regions);
  for (const lists of [selection.keys, selection.tags, selection.prefixes]) {
    for (const region in lists ?? {}) regions.add(region);
  }
  return regions.has(EVERY_REGION) ? 'all' : regions;
}

/** The whole of every region that it concerns. */
export function wholeRegionsOf(selection: Selection): Selection {
  const regions = regionsOf(selection);
  return regions === 'all' ? { all: true } : { regions: [...regions] };
}

/** Both selections in one. */
export function union(one: Selection, other: Selection): Selection {
  if (one.all === true || other.all === true) return { all: true };
  const regions = new Set([...(one.regions ?? []), ...(other.regions ?? [])]);
  return {
    ...joined('keys', one, other),
    ...joined('tags', one, other),
    ...joined('prefixes', one, other),
    ...(regions.size === 0 ? {} : { regions: [...regions] }),
  };
}

function joined(
  kind: 'keys' | 'tags' | 'prefixes',
  one: Selection,
  other: Selection,
): Pick<Selection, 'keys' | 'tags' | 'prefixes'> {
  const lists = new Map<string, Set<string>>();
  for (const byRegion of [one[kind], other[kind]]) {
    for (const [region, names] of Object.entries(byRegion ?? {})) {
      const all = lists.get(region) ?? new Set<string>();
      for (const name of names) all.add(name);
      lists.set(region, all);
    }
  }
  if (lists.size === 0) return {};
  return { [kind]: Object.fromEntries([...lists].map(([region, names]) => [region, [...names]])) };
}

/** How many ids a person is shown before the rest is only counted, and how many characters of them. */
const SHOWN_IDS = 20;
const SHOWN_LENGTH = 1_024;

/** What people in the room see of an invalidation: its ids and nothing else. */
export function summarize(selection: Selection): string | undefined {
  if (selection.all === true) return '*';
  const shown: string[] = [];
  let count = 0;
  let length = 0;
  const show = (id: string): void => {
    count += 1;
    if (shown.length >= SHOWN_IDS || length + id.length > SHOWN_LENGTH) return;
    shown.push(id);
    length += id.length;
  };
  for (const region of selection.regions ?? []) show(`${region}/*`);
  for (const lists of [selection.keys, selection.tags]) {
    for (const region in lists ?? {}) lists?.[region]?.forEach(show);
  }
  for (const region in selection.prefixes ?? {}) {
    selection.prefixes?.[region]?.forEach((prefix) => {
      show(`${prefix}*`);
    });
  }
  if (count === 0) return undefined;
  const rest = count - shown.length;
  return [...shown, ...(rest > 0 ? [`... +${rest}`] : [])].join(' ');
}
