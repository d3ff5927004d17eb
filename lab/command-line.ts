import { type ParseArgsConfig, parseArgs } from 'node:util';
import { failure } from '../src/errors.ts';
import type { OptionValues, Part } from './part.ts';

const COMMON = {
  demo: { type: 'string' },
  work: { type: 'string' },
  keep: { type: 'boolean', default: false },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

export interface CommandLine {
  readonly parts: readonly Part[];
  readonly demo: string | undefined;
  readonly work: string | undefined;
  readonly keep: boolean;
  /** Options of the parts themselves. */
  readonly options: OptionValues;
}

/** Reads `[PART…] [OPTIONS]`. Throws E_USAGE for a part or an option that is none, or that is no option of these parts. */
export function readCommandLine(args: readonly string[], known: Readonly<Record<string, Part>>): CommandLine {
  const own = Object.values(known).map(({ options }) => options ?? {});
  const { values, positionals } = parsed(args, Object.assign({}, ...own, COMMON));
  const parts = chosen(positionals, known);
  const offered = new Set([COMMON, ...parts.map(({ options }) => options ?? {})].flatMap(Object.keys));
  for (const name of Object.keys(values)) {
    if (offered.has(name)) continue;
    const whose = Object.keys(known).filter((part) => name in (known[part]?.options ?? {}));
    throw failure(
      'E_USAGE',
      `--${name} is an option of ${whose.join(', ')} alone`,
      `npm run lab -- ${whose[0]} --${name}`,
    );
  }
  const { demo, work, keep, ...options } = values;
  return { parts, demo: text(demo), work: text(work), keep: keep === true, options };
}

function text(value: OptionValues[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parsed(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): { readonly values: OptionValues; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    return { values: values as OptionValues, positionals };
  } catch (error) {
    throw failure('E_USAGE', (error as Error).message, 'docs/lab.md lists the options');
  }
}

function chosen(names: readonly string[], known: Readonly<Record<string, Part>>): readonly Part[] {
  if (names.length === 0) return Object.values(known).filter(({ onlyByName }) => onlyByName !== true);
  return names.map((name) => {
    const part = Object.hasOwn(known, name) ? known[name] : undefined;
    if (part !== undefined) return part;
    throw failure(
      'E_USAGE',
      `the lab has no part named ${name}`,
      `its parts are: ${Object.keys(known).join(', ')}`,
    );
  });
}
