import * as v from 'valibot';
import { failure } from './errors.ts';

/*
 * Names that come from outside: options, names of files, records of the state, databases of packages. Each of them
 * becomes part of a path or a word of an argument vector, so each is parsed before it is used. No pattern lets a name
 * begin with `-`, which a program would take for an option, or hold `/` or `..`, which would lead to another folder.
 */

/** JSON Schema has no flags of a pattern, and takes these. */
const name = (longest: number, pattern: RegExp) => v.pipe(v.string(), v.maxLength(longest), v.regex(pattern));

/** Begins with the kernel's VERSION, a number. uname(2) has room for 64 bytes (__NEW_UTS_LEN). Source: the kernel's Makefile. */
export const kernelReleaseSchema = name(64, /^(?!.*\.\.)[0-9][A-Za-z0-9._+~-]*$/);

/** Also RPM's names. Source: pkg_name_is_illegal() of dpkg's lib/dpkg/parsehelp.c. */
export const packageNameSchema = name(128, /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9+._-]*$/);

/** Source: deb-version(7). */
export const packageVersionSchema = name(128, /^[A-Za-z0-9][A-Za-z0-9.+:~^_-]*$/);

/** As files have it, with `-` or `_`. The kernel has room for 60 bytes at most. Source: MODULE_NAME_LEN of linux/module.h. */
export const moduleNameSchema = name(60, /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.+-]*$/);

/** No guest has had that many; a number that is still far from where a sum would be wrong. */
export const LARGEST_GENERATION = 999_999;
export const generationNumberSchema = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(LARGEST_GENERATION),
);

/** The name, where it is one; undefined where it is not. */
type Parse = (text: unknown) => string | undefined;

function parser(schema: v.GenericSchema<unknown, string>): Parse {
  return (text) => {
    const result = v.safeParse(schema, text);
    return result.success ? result.output : undefined;
  };
}

/** A kernel's release as `uname -r` prints it, such as 6.1.0-56-amd64. */
export const kernelRelease = parser(kernelReleaseSchema);
/** A package of dpkg or RPM, such as linux-headers-6.1.0-56-amd64. */
export const packageName = parser(packageNameSchema);
/** A package's version, such as 1:6.1.192-2~deb12u1. */
export const packageVersion = parser(packageVersionSchema);
/** A kernel module, such as mptscsih. */
export const moduleName = parser(moduleNameSchema);

/** The number that a folder's name or an option gives, without leading zeros. */
export function generationNumber(text: string): number | undefined {
  const number = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  return v.is(generationNumberSchema, number) ? number : undefined;
}

/** A release that becomes a word of a command. Throws E_KERNEL_UNKNOWN. */
export function requireRelease(text: string): string {
  const release = kernelRelease(text);
  if (release !== undefined) return release;
  throw failure(
    'E_KERNEL_UNKNOWN',
    `${JSON.stringify(text.slice(0, 80))} is not a kernel release`,
    'give --kernel as uname -r prints it on the guest, such as 2.6.18-8.el5',
  );
}

/** The value of `--kernel`. Throws E_USAGE. */
export function givenRelease(text: string): string {
  const release = kernelRelease(text);
  if (release !== undefined) return release;
  throw failure(
    'E_USAGE',
    `--kernel needs a kernel release, not ${JSON.stringify(text.slice(0, 80))}`,
    'give it as uname -r prints it on the guest, such as 2.6.18-8.el5',
  );
}
