import { defined } from '../optional.ts';
import { compareDpkg } from './dpkg.ts';
import { kernelBase } from './kernel-base.ts';
import { FORMS, type NameForm } from './kernel-name-forms.ts';
import { compareDigits, compareText, type Order } from './order.ts';
import { compareRpm } from './rpm.ts';

/** The parts of a kernel's release, as its builder puts them together. */
export interface KernelName extends Pick<NameForm, 'family' | 'order'> {
  readonly release: string;
  /** The mainline version as semver, as `KernelBase.base` has it: `2.6.16` of 2.6.16.60, `2.6.14-rc.3`. */
  readonly base: string;
  /** All numbers as written, which is the version of an RPM: `2.6.16.60`, `6.12.117`. */
  readonly numbers: string;
  /**
   * What the builder counts its builds with; of an RPM its release: `42.0.10.EL`, `0.21`, `28`, `+deb13`, `028stab056`. Empty
   * where the release has none.
   */
  readonly distroPart: string;
  /** The build of several from one source: `smp`, `PAE`, `bigsmp`, `686`, `generic-pae`. Empty: the one without a name. */
  readonly flavour: string;
  /** Where the release says it, as `uname -m` does: `x86_64` of 5.14.0-503.el9.x86_64. */
  readonly architecture?: string;
}

/**
 * Takes a kernel's release (`uname -r`) apart by the first form that fits. Pure; undefined where the text is no release.
 * What fits no form is somebody's own build: all that follows the numbers is its part, and it has no family.
 */
export function kernelName(release: string): KernelName | undefined {
  const base = kernelBase(release);
  if (base === undefined) return undefined;
  for (const form of FORMS) {
    const parts = form.pattern.exec(release)?.groups;
    if (parts === undefined) continue;
    const { distro = '', architecture } = parts;
    return {
      release,
      base: base.base,
      numbers: base.numbers,
      distroPart: distro,
      flavour: form.flavour?.(parts) ?? parts.flavour ?? '',
      ...defined({ architecture, family: form.family }),
      order: form.order,
    };
  }
  const own = base.local.replace(CANDIDATE, '');
  return { release, base: base.base, numbers: base.numbers, distroPart: own, flavour: '', order: 'rpm' };
}

const CANDIDATE = /^rc\d+-?/;

/**
 * Orders kernel releases, the older first: by all numbers and the release candidate, then by the builder's part in the order of
 * that builder's package manager, then by flavour. Total: only the same text is equal. Kernels of one version of which one
 * builder uses rpm and the other dpkg cannot be compared by age: those of rpm come first. So does, before all, what is no release.
 */
export function compareKernels(a: string, b: string): Order {
  return compareNamed(named(a), named(b));
}

/** Kernel releases in that order. A tree may have any number of names: each is taken apart once. */
export function byAge(releases: readonly string[]): readonly string[] {
  return releases
    .map(named)
    .sort(compareNamed)
    .map(({ release }) => release);
}

interface Named {
  readonly release: string;
  readonly name: KernelName | undefined;
}

function named(release: string): Named {
  return { release, name: kernelName(release) };
}

function compareNamed(a: Named, b: Named): Order {
  if (a.release === b.release) return 0;
  const [left, right] = [a.name, b.name];
  if (left === undefined || right === undefined) {
    if (left === right) return compareText(a.release, b.release);
    return left === undefined ? -1 : 1;
  }
  return (
    compareNumbers(left.numbers, right.numbers) ||
    compareDigits(candidateOf(left), candidateOf(right)) ||
    compareBuilds(left, right) ||
    compareText(left.flavour, right.flavour) ||
    compareText(a.release, b.release)
  );
}

function compareNumbers(a: string, b: string): Order {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let place = 0; place < Math.min(left.length, right.length); place += 1) {
    const order = compareDigits(left[place] ?? '', right[place] ?? '');
    if (order !== 0) return order;
  }
  // As rpm and dpkg have it: 2.6.16.1 is after 2.6.16.
  return compareDigits(String(left.length), String(right.length));
}

/** No kernel has so many candidates: what is none comes after all of them. */
const RELEASED = '9999';

function candidateOf({ base }: KernelName): string {
  return /-rc\.(\d+)$/.exec(base)?.[1] ?? RELEASED;
}

function compareBuilds(a: KernelName, b: KernelName): Order {
  if (a.order !== b.order) return a.order === 'rpm' ? -1 : 1;
  // Before it stands the version, so that a dash or a colon in it is one of its own.
  const compare = a.order === 'rpm' ? compareRpm : compareDpkg;
  return compare(`0-${dashless(a.distroPart)}`, `0-${dashless(b.distroPart)}`);
}

/** A package's release has no dash; somebody's own name of a build may. */
function dashless(part: string): string {
  return part.replaceAll('-', '_');
}
