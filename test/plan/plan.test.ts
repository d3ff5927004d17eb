import { describe, expect, test } from 'vitest';
import type { Assessment } from '../../src/assess/assess.ts';
import type { BuildOptions } from '../../src/build-options.ts';
import type { ErrorCode, Failure } from '../../src/errors.ts';
import { isFailure } from '../../src/errors.ts';
import { originText } from '../../src/kernel-source/provider.ts';
import type { Plan } from '../../src/plan/document.ts';
import { type GuestState, makePlan } from '../../src/plan/plan.ts';

const RELEASE = '6.1.0-9-amd64';
const PATH = `/lib/modules/${RELEASE}/kernel/drivers/message/fusion/mptscsih.ko`;
type Facts = Assessment['facts'];

const FACTS: Facts = {
  target: { kind: 'root', name: '/mnt/guest' },
  distro: { id: 'debian', family: 'debian', version: '12', pretty: 'Debian 12', source: '/etc/os-release' },
  kernel: { release: RELEASE, base: '6.1.9', packageVersion: '6.1.9-1', running: null },
  module: { name: 'mptscsih', path: PATH, candidates: [PATH], sha256: 'a'.repeat(64), size: 1 },
  builtIn: false,
  use: { inUse: null, hosts: [], disks: [], loaded: null, source: 'none' },
};

function assessment(verdict: Assessment['verdict'], facts: Partial<Facts> = {}): Assessment {
  return {
    verdict,
    how: undefined,
    evidence: [],
    facts: { ...FACTS, ...facts },
    driver: { version: null },
    kb: { id: '51306', covered: false, inferred: false, source: '', detail: '' },
    survival: undefined,
    caveats: [],
  };
}

const BUILD: BuildOptions = {
  source: undefined,
  headers: undefined,
  offline: false,
  wholeTree: false,
  full: false,
  config: undefined,
  symvers: undefined,
  toolchain: undefined,
  makeVars: [],
  allowUnproven: false,
  mirrors: [],
  mirrorKeys: [],
  sha256: [],
  allowUnsigned: false,
  sign: undefined,
};
const GUEST: GuestState = { headers: undefined, images: [], bootLoader: undefined, patchedBy: undefined };

/** A plan in place, with some build options and some state of the guest. */
function plan(of: Assessment, build: Partial<BuildOptions> = {}, guest: Partial<GuestState> = {}): Plan {
  const install = { placement: 'in-place', initramfs: true, bootEntry: false } as const;
  const request = { kernel: undefined, build: { ...BUILD, ...build }, install };
  return makePlan(of, request, { ...GUEST, ...guest });
}

function refusal(make: () => unknown): Failure {
  try {
    make();
  } catch (error) {
    if (isFailure(error)) return error.failure;
    throw error;
  }
  throw new Error('it was not refused');
}

const { module: _, ...WITHOUT_MODULE } = FACTS;
const UNKNOWN_DISTRO = { ...FACTS.distro, id: 'plan9', pretty: 'Plan 9' };
const NO_BASE = { release: 'custom', base: undefined, packageVersion: undefined, running: null };

describe('an affected driver is planned for:', () => {
  test('from packages of the kernel’s own version', () => {
    const planned = plan(assessment('affected'));
    expect(planned).toMatchObject({
      schema: 'mptfix.plan/1',
      target: '/mnt/guest',
      verdict: 'affected',
      needed: true,
      kernel: { release: RELEASE, base: '6.1.9', distro: 'Debian 12', packageVersion: '6.1.9-1' },
      module: { name: 'mptscsih', path: PATH, sha256: 'a'.repeat(64) },
      source: { kind: 'package', name: 'linux-source-6.1', version: '6.1.9-1' },
      headers: { kind: 'package', name: `linux-headers-${RELEASE}`, version: '6.1.9-1' },
    });
  });

  test('from the guest’s own headers where they are there', () => {
    const planned = plan(assessment('affected'), {}, { headers: '/lib/modules/x/build' });
    expect(planned.headers).toEqual({ kind: 'guest', path: '/lib/modules/x/build' });
  });

  test('from what is given, which outranks all else and needs no known distro', () => {
    const options = { source: '/s.tar.xz', headers: '/h', offline: true };
    for (const facts of [{}, { distro: UNKNOWN_DISTRO }, { kernel: NO_BASE }]) {
      const planned = plan(assessment('affected', facts), options, { headers: '/own' });
      expect(planned.source).toEqual({ kind: 'local', path: '/s.tar.xz' });
      expect(planned.headers).toEqual({ kind: 'local', path: '/h' });
    }
  });

  test('from the whole source alone where that is asked for, also offline and on an unknown distro', () => {
    const options = { source: '/s.tar.xz', wholeTree: true, offline: true };
    const of = assessment('affected', { distro: UNKNOWN_DISTRO });
    expect(plan(of, options).headers).toEqual({ kind: 'tree' });
    expect(plan(of, options, { headers: '/own' }).headers).toEqual({ kind: 'guest', path: '/own' });
    expect(plan(of, { ...options, headers: '/h' }).headers).toEqual({ kind: 'local', path: '/h' });
  });

  test('without a package version the newest is taken, and null says so', () => {
    const planned = plan(assessment('affected', { kernel: { ...FACTS.kernel, packageVersion: undefined } }));
    expect([planned.source, planned.kernel.packageVersion]).toEqual([
      { kind: 'package', name: 'linux-source-6.1', version: null },
      null,
    ]);
  });

  test('also where it is not known yet: the source will decide', () => {
    const planned = plan(assessment('unknown'));
    expect([planned.needed, planned.warnings.some((text) => text.includes('the source will'))]).toEqual([
      true,
      true,
    ]);
  });
});

describe('the steps', () => {
  const texts = ({ steps }: Plan): string[] => steps.map(({ what }) => what);

  const planned = plan(assessment('affected'), { source: '/s.tar.xz' }, { headers: '/lib/modules/x/build' });

  test('change the guest only at the end, and name each file', () => {
    const where = planned.steps.map((step) => step.where);
    expect(where.lastIndexOf('work folder')).toBeLessThan(where.indexOf('guest'));
    const guest = planned.steps.filter((step) => step.where === 'guest').map(({ what }) => what);
    expect(guest).toEqual([
      `keep ${PATH} and the module index in /var/lib/mptfix`,
      `replace ${PATH}`,
      `depmod for ${RELEASE}, unless its module index fits the new module as it is`,
    ]);
  });

  test('say where source and headers come from', () => {
    const texts = planned.steps.map(({ what }) => what);
    expect(texts).toContain('get the driver from /s.tar.xz');
    expect(texts).toContain('get the build folder from the guest’s /lib/modules/x/build');
  });

  test('of a whole tree say that it is configured, and with --full that all of it is made', () => {
    const options = { source: '/s.tar.xz', wholeTree: true };
    const one = texts(plan(assessment('affected'), options));
    expect(one[1]).toContain('make oldconfig, make modules_prepare');
    expect(one[3]).toMatch(/^compile mptscsih\.ko as an unprivileged user with this machine’s compiler, /);
    expect(texts(plan(assessment('affected'), { ...options, full: true }))[3]).toMatch(
      /^build all modules of the tree as an unprivileged user/,
    );
  });

  test('say by what the module is configured, made and signed', () => {
    const options = { source: '/s.tar.xz', wholeTree: true, config: '/c', makeVars: ['CC=gcc-11', 'V=1'] };
    const planned = texts(
      plan(assessment('affected'), { ...options, sign: { key: '/k', certificate: '/c.pem' } }),
    );
    expect(planned[1]).toBe('configure the whole source as /c: make oldconfig, make modules_prepare');
    expect(planned[3]).toMatch(/^compile mptscsih\.ko \(CC=gcc-11 V=1\) as an unprivileged user/);
    expect(planned[4]).toBe('sign it with /k');
  });

  test('are pure data: the plan survives JSON as it is', () => {
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  });
});

test('an origin is put in words', () => {
  expect(originText({ kind: 'package', name: 'p', version: '1' })).toBe('package p 1');
  expect(originText({ kind: 'package', name: 'p', version: null })).toBe('package p');
  expect(originText({ kind: 'guest', path: '/x' })).toBe('the guest’s /x');
  expect(originText({ kind: 'local', path: '/x' })).toBe('/x');
});

describe('nothing is to be done, and nothing is asked for,', () => {
  test.each([
    ['fixed', undefined, 'does not have the branch'],
    ['fixed', 3, 'already patched: generation 3'],
    ['never', undefined, 'never had the branch'],
  ] as const)('where the verdict is %s (patched by %s)', (verdict, patchedBy, reason) => {
    const planned = plan(assessment(verdict, { distro: UNKNOWN_DISTRO }), { offline: true }, { patchedBy });
    expect(planned).toMatchObject({ needed: false, source: null, headers: null, steps: [], warnings: [] });
    expect(planned.reason).toContain(reason);
  });
});

describe('what makes it impossible is refused, with what to bring:', () => {
  const cases: readonly [
    name: string,
    code: ErrorCode,
    says: RegExp,
    facts: Partial<Facts>,
    options: Partial<BuildOptions>,
  ][] = [
    ['offline without a source', 'E_SOURCE_MISSING', /linux-source-6\.1.*--source/, {}, { offline: true }],
    [
      'offline without headers',
      'E_HEADERS_MISSING',
      new RegExp(`linux-headers-${RELEASE}.*--headers`),
      {},
      { offline: true, source: '/s' },
    ],
    [
      'an unknown distro',
      'E_DISTRO_UNKNOWN',
      /Plan 9.*--source and --headers/,
      { distro: UNKNOWN_DISTRO },
      {},
    ],
    [
      'an unknown distro with a source',
      'E_DISTRO_UNKNOWN',
      /give --headers;/,
      { distro: UNKNOWN_DISTRO },
      { source: '/s' },
    ],
    ['a kernel of no known version', 'E_SOURCE_MISSING', /custom.*--source/, { kernel: NO_BASE }, {}],
  ];
  for (const [name, code, says, facts, options] of cases) {
    test(name, () => {
      const failure = refusal(() => plan(assessment('affected', facts), options));
      expect([failure.code, `${failure.what} ${failure.next}`]).toEqual([code, expect.stringMatching(says)]);
    });
  }

  test('a kernel that has the driver built in, and a module that is gone', () => {
    const without = (builtIn: boolean): Assessment => ({
      ...assessment('affected'),
      facts: { ...WITHOUT_MODULE, builtIn },
    });
    expect(refusal(() => plan(without(false)))).toMatchObject({
      code: 'E_MODULE_MISSING',
      what: expect.stringContaining(RELEASE),
    });
    expect(refusal(() => plan(without(true)))).toMatchObject({
      code: 'E_MODULE_MISSING',
      what: expect.stringContaining('built in'),
    });
  });

  test.each(['affected', 'unknown'] as const)(
    'a kernel 2.4 whose driver is %s: it is only checked',
    (verdict) => {
      const kernel = {
        release: '2.4.21-47.ELcustom',
        base: '2.4.21',
        packageVersion: undefined,
        running: null,
      };
      expect(refusal(() => plan(assessment(verdict, { kernel })))).toMatchObject({
        code: 'E_KERNEL_CHECK_ONLY',
        what: expect.stringContaining('2.4.21-47.ELcustom is a kernel 2.4'),
      });
      expect(plan(assessment('never', { kernel })).reason).toContain('never had the branch');
    },
  );
});

test('that a loader must be run again is a warning of the plan', () => {
  const bootLoader = 'run lilo';
  expect(plan(assessment('affected'), {}, { bootLoader }).warnings).toContain(bootLoader);
});

test('a kernel without such a driver is nothing to do', () => {
  const planned = plan({ ...assessment('absent'), facts: { ...WITHOUT_MODULE, builtIn: false } });
  expect(planned).toMatchObject({ needed: false, module: null, images: [], steps: [], warnings: [] });
  expect(planned.reason).toMatch(new RegExp(`^nothing to do: .*${RELEASE}`));
});

describe('a person is warned', () => {
  const warned = (facts: Partial<Facts>, guest: Partial<GuestState> = {}) =>
    plan(assessment('affected', facts), {}, guest).warnings;

  test.each([
    ['that the driver is not in use', { use: { ...FACTS.use, inUse: false } }, 'no effect'],
    ['that the running kernel keeps the old code', { kernel: { ...FACTS.kernel, running: true } }, 'reboot'],
  ])('%s', (_name, facts, says) => {
    expect(warned(facts)).toEqual([expect.stringContaining(says)]);
  });

  test('of an initramfs that keeps the old driver because they ask for it', () => {
    const image = { path: '/boot/initrd.img-x', tool: 'mkinitramfs', detail: 'holds mptscsih' } as const;
    expect(warned({}, { images: [{ ...image, action: 'warn' }] })).toEqual([
      '/boot/initrd.img-x: holds mptscsih',
    ]);
    expect(warned({}, { images: [{ ...image, action: 'rebuild' }] })).toEqual([]);
  });

  test('of nothing else', () => {
    expect(warned({})).toEqual([]);
  });
});
