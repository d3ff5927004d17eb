import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectDistro, RELEASE_FILES } from '../../src/guest/distro.ts';

const BOOKWORM = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
`;

type Case = readonly [
  path: string,
  text: string,
  id: string,
  family: string,
  version: string,
  codename: string | undefined,
];

const RED_HAT: readonly Case[] = (
  [
    ['Red Hat Enterprise Linux AS release 3 (Taroon Update 9)', 'rhel', '3.9', 'Taroon'],
    ['Red Hat Enterprise Linux ES release 4 (Nahant Update 3)', 'rhel', '4.3', 'Nahant'],
    ['Red Hat Enterprise Linux WS release 4 (Nahant)', 'rhel', '4', 'Nahant'],
    ['Red Hat Enterprise Linux Server release 5 (Tikanga)', 'rhel', '5', 'Tikanga'],
    ['Red Hat Enterprise Linux Server release 5.1 (Tikanga)', 'rhel', '5.1', 'Tikanga'],
    ['Red Hat Linux Advanced Server release 2.1AS (Pensacola)', 'rhel', '2.1', 'Pensacola'],
    ['Red Hat Linux release 9 (Shrike)', 'redhatlinux', '9', 'Shrike'],
    ['CentOS release 4.4 (Final)', 'centos', '4.4', undefined],
    ['CentOS Linux release 7.9.2009 (Core)', 'centos', '7.9.2009', undefined],
    ['Scientific Linux SL release 5.1 (Boron)', 'scientific', '5.1', 'Boron'],
    ['Enterprise Linux Enterprise Linux Server release 5.4 (Carthage)', 'oracle', '5.4', 'Carthage'],
    ['Fedora Core release 6 (Zod)', 'fedora', '6', 'Zod'],
    ['Asianux Server release 3 (Quartet)', 'asianux', '3', 'Quartet'],
    ['MIRACLE LINUX V4.0 release 4.0 (Asianux Inside)', 'miraclelinux', '4.0', 'Asianux Inside'],
    ['Red Flag DC Server release 5.0 (Trinity)', 'redflag', '5.0', 'Trinity'],
    ['Mandriva Linux release 2007.0 (Tested) for i586', 'mandriva', '2007.0', 'Tested'],
  ] as const
).map(([text, id, version, codename]) => [
  '/etc/redhat-release',
  `${text}\n`,
  id,
  'redhat',
  version,
  codename,
]);

const CASES: readonly Case[] = [
  ...RED_HAT,
  ['/etc/os-release', BOOKWORM, 'debian', 'debian', '12', 'bookworm'],
  ['/usr/lib/os-release', BOOKWORM, 'debian', 'debian', '12', 'bookworm'],
  [
    '/etc/os-release',
    'ID="rhel"\r\nVERSION_ID="9.4"\r\nVERSION="9.4 (Plow)"\r\n',
    'rhel',
    'redhat',
    '9.4',
    'Plow',
  ],
  ['/etc/os-release', "ID='sles'\nVERSION_ID='15.5'\n", 'sles', 'suse', '15.5', undefined],
  ['/etc/os-release', 'ID="opensuse-leap"\nVERSION_ID="15.6"\n', 'opensuse', 'suse', '15.6', undefined],
  ['/etc/os-release', 'ID="ol"\nVERSION_ID="8.9"\n', 'oracle', 'redhat', '8.9', undefined],
  [
    '/etc/os-release',
    'ID=zorin\nID_LIKE="ubuntu debian"\nVERSION_ID=17\n',
    'zorin',
    'debian',
    '17',
    undefined,
  ],
  ['/etc/os-release', 'ID=eurolinux\nID_LIKE="x rhel fedora"\n', 'eurolinux', 'redhat', '', undefined],
  ['/etc/os-release', 'ID=gentoo\n', 'gentoo', 'unknown', '', undefined],
  ['/etc/os-release', 'ID=constructor\n', 'constructor', 'unknown', '', undefined],
  ['/etc/os-release', '# ID=fedora\nID=fedora\nID=debian\n', 'debian', 'debian', '', undefined],
  ['/etc/oracle-release', 'Oracle Linux Server release 6.4\n', 'oracle', 'redhat', '6.4', undefined],
  [
    '/etc/lsb-release',
    'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=6.06\nDISTRIB_CODENAME=dapper\nDISTRIB_DESCRIPTION="Ubuntu 6.06.2 LTS"\n',
    'ubuntu',
    'debian',
    '6.06',
    'dapper',
  ],
  ['/etc/SuSE-release', 'SuSE SLES-8 (i386)\nVERSION = 8.1\n', 'sles', 'suse', '8.1', undefined],
  [
    '/etc/SuSE-release',
    'SUSE LINUX Enterprise Server 9 (i586)\nVERSION = 9\nPATCHLEVEL = 3\n',
    'sles',
    'suse',
    '9.3',
    undefined,
  ],
  [
    '/etc/SuSE-release',
    'SUSE Linux Enterprise Server 10 (x86_64)\nVERSION = 10\nPATCHLEVEL = 0\n',
    'sles',
    'suse',
    '10',
    undefined,
  ],
  [
    '/etc/SuSE-release',
    'SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n',
    'sles',
    'suse',
    '11.4',
    undefined,
  ],
  [
    '/etc/SuSE-release',
    'Novell Linux Desktop 9 (i586)\nVERSION = 9\nRELEASE = 9\n',
    'sled',
    'suse',
    '9',
    undefined,
  ],
  ['/etc/SuSE-release', 'SUSE LINUX 10.0 (i586)\nVERSION = 10.0\n', 'opensuse', 'suse', '10.0', undefined],
  ['/etc/SuSE-release', 'openSUSE 10.2 (X86-64)\nVERSION = 10.2\n', 'opensuse', 'suse', '10.2', undefined],
  [
    '/etc/SuSE-release',
    'openSUSE 13.1 (x86_64)\nVERSION = 13.1\nCODENAME = Bottle\n',
    'opensuse',
    'suse',
    '13.1',
    'Bottle',
  ],
  ['/etc/debian_version', '3.1\n', 'debian', 'debian', '3.1', 'sarge'],
  ['/etc/debian_version', '4.0\n', 'debian', 'debian', '4.0', 'etch'],
  ['/etc/debian_version', '5.0.10\n', 'debian', 'debian', '5.0.10', 'lenny'],
  ['/etc/debian_version', 'lenny/sid\n', 'debian', 'debian', '', 'lenny'],
  ['/etc/debian_version', 'testing/unstable\n', 'debian', 'debian', '', undefined],
];

describe('detectDistro', () => {
  it.each(CASES)(
    '%s with %j is %s of %s, version %j, codename %s',
    (path, text, id, family, version, codename) => {
      const distro = detectDistro({ [path]: text });
      expect(distro).toMatchObject({ id, family, version, source: path });
      expect(distro.codename).toBe(codename);
    },
  );

  it('describes for a person', () => {
    expect(detectDistro({ '/etc/os-release': BOOKWORM }).pretty).toBe('Debian GNU/Linux 12 (bookworm)');
    expect(detectDistro({ '/etc/debian_version': '4.0\n' }).pretty).toBe('Debian GNU/Linux 4.0');
    expect(detectDistro({ '/etc/os-release': 'ID=arch\n' }).pretty).toBe('arch');
    const sles = 'SUSE LINUX Enterprise Server 9 (i586)\nVERSION = 9\nPATCHLEVEL = 3\n';
    expect(detectDistro({ '/etc/SuSE-release': sles }).pretty).toBe(
      'SUSE LINUX Enterprise Server 9 (i586) SP3',
    );
  });

  it('reads the four escapes of os-release', () => {
    expect(
      detectDistro({ '/etc/os-release': 'ID=debian\nPRETTY_NAME="a \\"b\\" \\$c \\\\ \\`d"\n' }).pretty,
    ).toBe('a "b" $c \\ `d');
  });

  it.each([
    ['os-release before all', { '/etc/debian_version': '12.5', '/etc/os-release': 'ID=ubuntu\n' }, 'ubuntu'],
    [
      'Oracle’s own before the Red Hat one that it keeps',
      {
        '/etc/redhat-release': 'Red Hat Enterprise Linux Server release 5.4 (Tikanga)',
        '/etc/enterprise-release': RED_HAT[10]?.[1],
      },
      'oracle',
    ],
    [
      'lsb-release before Ubuntu’s testing/unstable',
      {
        '/etc/debian_version': 'testing/unstable',
        '/etc/lsb-release': 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=6.06',
      },
      'ubuntu',
    ],
    [
      'not the lsb-release of RHEL, which names nothing',
      { '/etc/lsb-release': 'LSB_VERSION="1.3"\n', '/etc/redhat-release': 'CentOS release 4.4 (Final)' },
      'centos',
    ],
    [
      'not an os-release that names nothing',
      { '/etc/os-release': 'ID="%%"\n', '/etc/debian_version': '4.0' },
      'debian',
    ],
  ])('trusts %s', (_what, files, id) => {
    expect(detectDistro(files).id).toBe(id);
  });

  it('keeps an unknown name, with the family of its parent’s file', () => {
    expect(
      detectDistro({ '/etc/lsb-release': 'DISTRIB_ID=Nova\n', '/etc/debian_version': '4.0' }),
    ).toMatchObject({
      id: 'nova',
      family: 'debian',
      source: '/etc/lsb-release',
    });
  });

  it.each([
    {},
    { '/etc/os-release': '' },
    { '/etc/os-release': '\0\0' },
    { '/etc/redhat-release': 'release' },
  ])('says unknown where %j tells nothing', (files) => {
    expect(detectDistro(files)).toEqual({
      id: 'unknown',
      family: 'unknown',
      version: '',
      pretty: 'unknown distribution',
      source: '',
    });
  });

  it('cleans what a terminal would act on', () => {
    const text =
      'ID=deb\0ian\nVERSION_ID="12\u001b[2J;rm"\nPRETTY_NAME="\u001b[31mred\u001b[0m \u202egnp\u200b\u009b1mX\u0007"\n';
    expect(detectDistro({ '/etc/os-release': text })).toEqual({
      id: 'debian',
      family: 'debian',
      version: '12rm',
      pretty: 'red gnp1mX',
      source: '/etc/os-release',
    });
  });

  it('takes files of 10 MB, and cuts what it tells', () => {
    const long = 'x'.repeat(10_000_000);
    for (const path of RELEASE_FILES) {
      expect(detectDistro({ [path]: long }).pretty.length).toBeLessThan(150);
    }
    const distro = detectDistro({
      '/etc/os-release': `ID=debian\nVERSION_ID=${'1'.repeat(1000)}\nPRETTY_NAME=${long}`,
    });
    expect([distro.id, distro.version.length, distro.pretty.length]).toEqual(['debian', 32, 128]);
  });

  it('is printable and short, whatever the files hold', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 60 });
    const text = fc.oneof(
      nasty,
      nasty.map(
        (value) => `ID=debian\nPRETTY_NAME="${value}"\nVERSION_CODENAME=${value}\nVERSION_ID=${value}`,
      ),
      nasty.map((value) => `Red Hat ${value} release 5 (${value})`),
    );
    fc.assert(
      fc.property(fc.constantFrom(...RELEASE_FILES), text, (path, content) => {
        const distro = detectDistro({ [path]: content });
        for (const told of Object.values(distro)) {
          expect(told).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{0,140}$/u);
        }
      }),
    );
  });
});
