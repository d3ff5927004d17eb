import type { WatchOnceOptions } from './options.ts';

/** An option of `watch once`, as its --help describes it. */
export interface WatchFlag {
  readonly name: 'root' | 'config' | 'prometheus' | 'to' | 'json' | 'verbose' | 'nagios' | 'probe';
  /** What its value is called; undefined: it has none. */
  readonly value?: string;
  readonly repeats?: true;
  readonly description: string;
}

/** The only list of them: --help and both parsers are made from it. */
export const ONCE_FLAGS: readonly WatchFlag[] = [
  {
    name: 'root',
    value: 'folder',
    description: 'check the tree there by what its files say; no device or configuration of it is used',
  },
  {
    name: 'to',
    value: 'address',
    repeats: true,
    description: 'mail this address once per event; may be repeated',
  },
  {
    name: 'config',
    value: 'file',
    description: 'configuration: relay, webhook and more (default: /etc/mptfix.json)',
  },
  { name: 'probe', description: 'also write, sync and remove a small file on each file system' },
  {
    name: 'nagios',
    description:
      'print one line (with --json one document) for Nagios or a compatible monitor; exit status 0, 1, 2 or 3',
  },
  {
    name: 'prometheus',
    value: 'file',
    description: 'write metrics to this file, for node_exporter’s textfile collector',
  },
  { name: 'json', description: 'print one JSON document on stdout' },
  { name: 'verbose', description: 'print more on stderr' },
];

/** What `watch test-mail` and `install` have of them. */
export const TELLING_FLAGS: readonly WatchFlag[] = ONCE_FLAGS.filter(({ name }) =>
  ['root', 'to', 'config', 'json', 'verbose'].includes(name),
);

/** `watch follow` has no end: what it prints is no single document. */
export const FOLLOW_FLAGS: readonly WatchFlag[] = TELLING_FLAGS.map((flag) =>
  flag.name === 'json'
    ? { ...flag, description: 'print NDJSON on stdout: one JSON document per line, one line per change' }
    : flag,
);

/**
 * Reads a plain command line of `watch once`; a word that is no option is an address, as the article's script has it.
 * Undefined where anything is unusual: the full parser then reports what is wrong.
 */
export function quickOptions(words: readonly string[]): WatchOnceOptions | undefined {
  const found: { -readonly [Name in keyof WatchOnceOptions]: WatchOnceOptions[Name] } = {
    json: false,
    verbose: false,
    nagios: false,
    probe: false,
  };
  const rest = [...words];
  const to: string[] = [];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-')) {
      to.push(word);
      continue;
    }
    const [, name = '', joined] = /^--([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = ONCE_FLAGS.find((one) => one.name === name);
    if (flag === undefined || (flag.value === undefined && joined !== undefined)) return undefined;
    if (flag.value === undefined) {
      Object.assign(found, { [flag.name]: true });
      continue;
    }
    const value = joined ?? rest.shift();
    if (value === undefined || value === '' || value.startsWith('-')) return undefined;
    if (flag.repeats) to.push(value);
    else Object.assign(found, { [flag.name]: value });
  }
  return to.length === 0 ? found : { ...found, to };
}
