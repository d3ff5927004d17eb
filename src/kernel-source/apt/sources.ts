import type { Target } from '../../machine/port.ts';

/** One entry of a sources.list: archives, and how they are to be read. Words and values are parsed ones. */
export interface AptSource {
  readonly types: readonly string[];
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** What Signed-By names: paths of keys on the origin, or fingerprints. */
  readonly signedBy: readonly string[];
  /** A key that stands in the entry itself, ASCII-armored. */
  readonly embeddedKey: string | undefined;
  /** The other fields that are taken over, by their names in the newer form. */
  readonly options: ReadonlyMap<string, string>;
}

/** What is taken over of an origin's entries. */
export interface SourceTrust {
  /** How an archive may be reached. Some of apt's methods run programs (ssh, rsh) or read this machine's files. */
  readonly scheme: RegExp;
  /** Fields beside those that name archives and keys. */
  readonly option: RegExp;
  /** Whether the passwords of auth.conf go to the archives that are named. */
  readonly credentials: boolean;
}

/**
 * This machine's own configuration is its administrator's word. A tree is data: it may name archives of the network and
 * the keys that sign them; it may not switch the check off (Trusted, Allow-Insecure, Allow-Weak), and its paths are not
 * this machine's.
 */
const AS_DATA: SourceTrust = {
  scheme: /^(?:mirror\+)?https?:\/\//,
  // An archive that is kept for old releases has an index that expired long ago: its signature still holds.
  option: /^(?:architectures|by-hash|check-valid-until)$/,
  credentials: false,
};

export const SOURCE_TRUST: Readonly<Record<Target['kind'], SourceTrust>> = {
  local: { scheme: /^[a-z][a-z0-9+.-]*:/, option: /^[a-z][a-z-]*$/, credentials: true },
  root: AS_DATA,
  host: AS_DATA,
};

/** What the options of the older form are called in the newer one. Source: sources.list(5). */
const OPTION_FIELDS: Readonly<Record<string, string>> = {
  arch: 'architectures',
  lang: 'languages',
  target: 'targets',
};

/** The entries of a sources.list (`list`) or of a deb822 file (`sources`) that the trust allows. */
export function parseSources(
  text: string,
  form: 'list' | 'sources',
  trust: SourceTrust,
): readonly AptSource[] {
  const entries = form === 'list' ? lines(text) : stanzas(text);
  return entries.map((fields) => sourceOf(fields, trust)).filter((source) => source !== undefined);
}

type Fields = ReadonlyMap<string, string>;

function lines(text: string): readonly Fields[] {
  return text
    .split('\n')
    .map((line) => /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line))
    .filter((match) => match !== null)
    .map(([, type = '', options = '', uri = '', suite = '', components = '']) => {
      const words = options
        .split(/\s+/)
        .map((word) => /^([a-z-]+)([+-]?)=(.*)$/i.exec(word))
        .filter((match) => match !== null)
        .map(([, name = '', sign = '', value = '']): [string, string] => {
          const field = OPTION_FIELDS[name.toLowerCase()] ?? name.toLowerCase();
          const suffix = sign === '+' ? '-add' : sign === '-' ? '-remove' : '';
          return [`${field}${suffix}`, value.replaceAll(',', ' ')];
        });
      return new Map([
        ...words,
        ['types', type],
        ['uris', uri],
        ['suites', suite],
        ['components', components],
      ]);
    });
}

/** Stanzas of `Name: value`, whose further lines begin with a space; a line that begins with # is a comment. */
function stanzas(text: string): readonly Fields[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((stanza) => {
      const fields = new Map<string, string>();
      let last: string | undefined;
      for (const line of stanza.split('\n').filter((line) => !line.startsWith('#'))) {
        const [, name, value = ''] = /^([A-Za-z][A-Za-z-]*):(.*)$/.exec(line) ?? [];
        if (name !== undefined) {
          last = name.toLowerCase();
          fields.set(last, value);
        } else if (last !== undefined && /^[ \t]/.test(line))
          fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
      }
      return fields;
    })
    .filter((fields) => fields.size > 0);
}

const NAMED = ['types', 'uris', 'suites', 'components', 'signed-by', 'enabled'];
/** No quote, backslash, bracket or line end: nothing that has a meaning for apt's own parser. */
const WORD = /^(?:[\w.:/+~@%=,-]|\$\(ARCH\))+$/;
const ARMORED = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\w\s.:+/=()@<>-]*-----END PGP PUBLIC KEY BLOCK-----/;

function sourceOf(fields: Fields, trust: SourceTrust): AptSource | undefined {
  const words = (name: string): readonly string[] =>
    (fields.get(name) ?? '').split(/\s+/).filter((word) => WORD.test(word));
  if (/^\s*(?:no|false|without|off|disable|0)\s*$/i.test(fields.get('enabled') ?? '')) return undefined;
  const types = words('types').filter((type) => type === 'deb' || type === 'deb-src');
  const uris = words('uris').filter((uri) => trust.scheme.test(uri));
  const suites = words('suites');
  if (types.length === 0 || uris.length === 0 || suites.length === 0) return undefined;
  const signed = fields.get('signed-by') ?? '';
  const embeddedKey = ARMORED.exec(signed)?.[0];
  const others = [...fields.keys()]
    .filter((name) => !NAMED.includes(name) && trust.option.test(name))
    .map((name): [string, string] => [name, words(name).join(' ')]);
  return {
    types,
    uris,
    suites,
    components: words('components'),
    signedBy: embeddedKey === undefined ? signed.split(/[\s,]+/).filter((word) => word !== '') : [],
    embeddedKey,
    options: new Map(others.filter(([, value]) => value !== '')),
  };
}

/** The entry as a stanza of apt's newer form. `signedBy`: the files that hold the keys here, and fingerprints. */
export function sourceText(source: AptSource, signedBy: readonly string[]): string {
  return [
    `Types: ${source.types.join(' ')}`,
    `URIs: ${source.uris.join(' ')}`,
    `Suites: ${source.suites.join(' ')}`,
    ...(source.components.length === 0 ? [] : [`Components: ${source.components.join(' ')}`]),
    ...(signedBy.length === 0 ? [] : [`Signed-By: ${signedBy.join(' ')}`]),
    ...[...source.options].map(([name, value]) => `${name}: ${value}`),
    '',
  ].join('\n');
}
