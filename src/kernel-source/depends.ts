/** One package of a Depends field, with the version that it must be, if the field says so with `=`. */
export interface Dependency {
  readonly name: string;
  readonly exactly?: string;
}

/**
 * The packages that a headers package is split into: linux-headers-…-common, linux-kbuild-X.Y, Ubuntu's
 * linux-headers-X.Y.Z-N. The compiler, which it also depends on, is the machine's own matter.
 */
export function headerDependencies(depends: string): readonly Dependency[] {
  return depends
    .split(',')
    .map((part) => /^\s*([a-z0-9][a-z0-9.+-]*)(?::\w+)?\s*(?:\(=\s*([^)\s]+)\))?/.exec(part))
    .filter((match) => match !== null)
    .filter((match) => /^linux-(headers|kbuild)-/.test(match[1] ?? ''))
    .map(([, name = '', exactly]) => ({ name, ...(exactly === undefined ? {} : { exactly }) }));
}
