import { expect, test } from 'vitest';
import { providerFor } from '../../src/kernel-source/provider.ts';
import { kernelSeries } from '../../src/versions/kernel-base.ts';

/** As the distros named them: Debian etch, Ubuntu 6.06, Debian bookworm, Ubuntu 22.04. */
const NAMES = [
  ['debian', '2.6.18', 'linux-source-2.6.18'],
  ['ubuntu', '2.6.15', 'linux-source-2.6.15'],
  ['debian', '6.1.192', 'linux-source-6.1'],
  ['ubuntu', '5.15.0', 'linux-source-5.15.0'],
] as const;

for (const [distro, base, name] of NAMES) {
  test(`${distro} brings the source of ${base} in ${name}`, () => {
    expect(providerFor(distro)?.source(kernelSeries(base))).toBe(name);
  });
}
