import type { LoadedConfiguration } from '../../config/load-configuration.ts';

/** Where an option of the chosen bus stands, so that a person knows which file or variable to change. */
export type PlaceOf = (option: string) => string;

export function places({ configuration, sources }: LoadedConfiguration): PlaceOf {
  const { bus, transport } = configuration;
  return (option) => {
    // The account of a bus URL may stand beside it.
    const path = bus === undefined ? `${transport}.${option}` : option;
    const source = sources[path] ?? Object.entries(sources).find(isBelow(path))?.[1];
    if (source !== undefined) return `${path} (${sourceInWords(source)})`;
    const urlFrom = sources['bus'];
    if (bus !== undefined && urlFrom !== undefined) {
      return `${option} in the bus URL (${sourceInWords(urlFrom)})`;
    }
    const section = Object.entries(sources).find(isBelow(transport ?? ''))?.[1];
    return section === undefined ? path : `${path} (not set; ${sourceInWords(section)})`;
  };
}

function isBelow(path: string): (entry: readonly [string, string]) => boolean {
  return ([known]) => known.startsWith(`${path}.`);
}

/** What code gives is, for a command, what its flags say. */
export function sourceInWords(source: string): string {
  return source.replace(/\bobject\b/, 'the command line');
}
