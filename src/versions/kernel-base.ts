import { defined } from '../optional.ts';

/*
 * This room orders versions: of kernels, and of packages as dpkg and rpm do.
 */

/** What the name of a kernel says about the mainline version it is based on. */
export interface KernelBase {
  /**
   * The mainline version as semver: `2.6.18`, `6.1.192`, `2.6.14-rc.3`. Of 2.6.x.y it holds 2.6.x: until 3.0
   * the fourth number was the stable update.
   */
  readonly base: string;
  /** All numbers as written: `2.6.16.21`, `6.1.0`. */
  readonly numbers: string;
  /** The stable update of a 2.6 kernel: 7 in 2.6.21.7. */
  readonly stable?: number;
  /** What follows the numbers and one dash: `8.1.15.el5`, `56-amd64`, `0.8-default`, or nothing. */
  readonly local: string;
  /** Built from a tree later than the tag that it names (-git5, -mm1, -12-gabcdef0, +). */
  readonly snapshot: boolean;
  /** Whether the release decided, or the package's version. */
  readonly source: 'release' | 'package';
}

/** Longer than any real release (uname(2) ends at 64 bytes) and any package version seen. */
const LONGEST = 128;

const NUMBERS = /^\d+(?:\.\d+)+/;
/** No version has a longer number; this one still fits semver. */
const LONGEST_NUMBER = 6;
/** A slash or a space would turn a release into a path or a second argument. */
const ALLOWED = /^[\w.+~:^@=,-]+$/;
/** `2.6.14-rc3`, `6.12~rc6`, and Fedora's `2.6.25-0.121.rc5.git4.fc9`. */
const CANDIDATE = /^(?:[-~.]?rc|-0\.(?:\d{1,5}\.)?rc)(\d{1,3})(?!\d)/;
const SNAPSHOT = /(?:^|[-.])(?:git|bk|mm)\d{1,8}(?![0-9A-Za-z])|-g[0-9a-f]{7,40}(?![0-9a-z])|^\+$/;

/**
 * The mainline version behind a kernel's release (`uname -r`); undefined where the text is no release.
 *
 * Debian since wheezy and Ubuntu keep the last number of the release at 0 (6.1.0-56-amd64); the package's
 * version (6.1.192-2) holds the true one. Give it where known: it decides if it is of the same series, and else is
 * ignored.
 */
export function kernelBase(release: string, packageVersion?: string): KernelBase | undefined {
  const fromRelease = parse(release, 'release');
  if (fromRelease === undefined || packageVersion === undefined) return fromRelease;
  const fromPackage = parse(packageVersion.replace(/^\d{1,9}:/, ''), 'package');
  // They must share 6.1 of 6.1.192, but of 2.6 all of 2.6.18.
  if (fromPackage === undefined || kernelSeries(fromPackage.base) !== kernelSeries(fromRelease.base))
    return fromRelease;
  // Only the release has the flavour, so that part stays.
  return { ...fromPackage, local: fromRelease.local, snapshot: fromRelease.snapshot || fromPackage.snapshot };
}

function parse(text: string, source: KernelBase['source']): KernelBase | undefined {
  if (text.length > LONGEST || !ALLOWED.test(text)) return undefined;
  const numbers = NUMBERS.exec(text)?.[0];
  if (numbers === undefined) return undefined;
  const parts = numbers.split('.');
  if (parts.some((part) => part.length > LONGEST_NUMBER)) return undefined;
  // Until 3.0 a release always had three numbers: 2.6 alone is a series, not a kernel.
  if (parts.length < 3 && Number(parts[0]) < 3) return undefined;
  const [major, minor, sub = 0, fourth] = parts.map(Number);
  const rest = text.slice(numbers.length);
  const candidate = CANDIDATE.exec(rest);
  const suffix = candidate === null ? '' : `-rc.${Number(candidate[1])}`;
  return {
    base: `${major}.${minor}.${sub}${suffix}`,
    numbers,
    ...defined({ stable: fourth }),
    local: rest.replace(/^-/, ''),
    snapshot: SNAPSHOT.test(rest),
    source,
  };
}

/** A base version as source packages are named after it: 6.1 of 6.1.192, but 2.6.18 of 2.6.18. */
export function kernelSeries(base: string): string {
  const [major = '', minor = '', sub = ''] = base.split(/[.-]/);
  return Number(major) >= 3 ? `${major}.${minor}` : `${major}.${minor}.${sub}`;
}

/**
 * Orders mainline versions by three numbers, for what came with one: 4.18.0-553.el8 is not before 4.18. Negative: a is older. The
 * kernels of a guest are ordered by `compareKernels`.
 */
export function versionOrder(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let place = 0; place < 3; place += 1) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbers(release: string): readonly number[] {
  return (/^\d{1,5}(\.\d{1,5}){0,2}/.exec(release)?.[0] ?? '').split('.').map(Number);
}
