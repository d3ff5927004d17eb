import { afterEach, describe, expect, test, vi } from 'vitest';
import { engineWords } from '../../../src/build/elsewhere/compile-in-image.ts';
import { ENGINES, type ImageStore, requireImage } from '../../../src/build/elsewhere/engines.ts';
import { isImageName } from '../../../src/build/toolchain/toolchain.ts';
import type { RunResult } from '../../../src/machine/program.ts';

/** What each engine says of itself where it works. */
const ANSWERS = {
  docker: '24.0.5\n',
  podman: JSON.stringify({
    store: {
      graphDriverName: 'overlay',
      graphRoot: '/home/me/images',
      graphOptions: {
        'overlay.mount_program': { Executable: '/usr/bin/fuse-overlayfs', Version: 'fusermount3 3.14' },
        'overlay.ignore_chown_errors': 'true',
      },
    },
  }),
  buildah: JSON.stringify({
    store: {
      GraphDriverName: 'vfs',
      GraphRoot: '/var/lib/containers/storage',
      GraphOptions: ['vfs.imagestore=/srv/images'],
    },
  }),
} as const;

/** Each engine that is installed: whether it works, and of which architecture the image is that it has, if it has it. */
type Installed = Readonly<
  Record<string, { readonly works?: false; readonly has?: string; readonly says?: string }>
>;

function machineWith(installed: Installed): Parameters<typeof requireImage>[0] {
  return {
    findProgram: async (name) => (name in installed ? `/usr/bin/${name}` : undefined),
    run: async ([name, ...words]): Promise<RunResult> => {
      const engine = installed[name] ?? {};
      const asked = words.includes('inspect');
      const failed = asked ? engine.has === undefined : engine.works === false;
      const answer = ANSWERS[name as keyof typeof ANSWERS] ?? '';
      return {
        status: failed ? 125 : 0,
        stdout: Buffer.from(failed ? '' : asked ? `0123abcd ${engine.has}\n` : answer),
        stderr: failed ? 'cannot connect\nmore\n' : '',
      };
    },
  };
}

describe('the engine is the first that works and has the image:', () => {
  test.each([
    ['docker', 'a/b:c', { docker: { has: 'amd64' }, podman: { has: 'amd64' }, buildah: {} }],
    ['podman', '0123abcd', { docker: { works: false }, podman: { has: 'amd64' }, buildah: {} }],
    ['buildah', '0123abcd', { docker: {}, podman: {}, buildah: { has: '386' } }],
  ] as const)('%s, whose build starts from %s', async (name, from, installed) => {
    const found = await requireImage(machineWith(installed), 'a/b:c');
    expect([found.engine.name, found.from]).toEqual([name, from]);
  });

  test.each<[string, Installed, string, RegExp]>([
    [
      'none works',
      { docker: { works: false } },
      'E_TOOLS_MISSING',
      /docker does not work \(cannot connect\); podman is not installed; buildah is not installed/,
    ],
    [
      'none has it',
      { docker: {}, buildah: {} },
      'E_IMAGE',
      /^docker and buildah have no image a\/b:c, and mptfix fetches none$/,
    ],
    ['it is of another architecture', { podman: { has: 's390x' } }, 'E_IMAGE', /a\/b:c is of s390x/],
  ])('refused where %s', async (_, installed, code, what) => {
    await expect(requireImage(machineWith(installed), 'a/b:c')).rejects.toMatchObject({
      failure: { code, what: expect.stringMatching(what) },
    });
  });
});

describe('the words for', () => {
  afterEach(() => vi.unstubAllEnvs());
  const places = { job: '/w/job', results: '/w/results', storage: '/w/engine' };
  const PROC = 'mount -t proc proc /proc';
  const MEMORY = 'mount -t tmpfs tmpfs /dev/shm';
  const sh = (...commands: readonly string[]) => ['sh', '-c', [...commands, 'exec "$@"'].join(' && '), 'sh'];
  const OWN = ['unshare', '--mount', '--net'];
  const STORE = ['--root=/w/engine/root', '--runroot=/dev/shm/run'];
  const JOB = ['--output=type=local,dest=/w/results', '--file=/w/job/Dockerfile', '/w/job'];

  async function wordsFor(name: string, isRoot: boolean): Promise<readonly string[]> {
    const found = await requireImage(machineWith({ [name]: { has: 'amd64' } }), 'a/b:c');
    return engineWords(found, places, isRoot);
  }

  test('docker have the image as a value, and no network', async () => {
    expect(await wordsFor('docker', true)).toEqual([
      ...['docker', 'build', '--quiet', '--network=none', '--build-arg=TOOLCHAIN_IMAGE=a/b:c'],
      ...JOB,
    ]);
  });

  test('podman have a store of their own, and the user’s with its options beside it', async () => {
    expect(await wordsFor('podman', true)).toEqual([
      ...[...OWN, ...sh(PROC, MEMORY)],
      'podman',
      ...STORE,
      '--storage-driver=overlay',
      '--storage-opt=overlay.mount_program=/usr/bin/fuse-overlayfs',
      '--storage-opt=overlay.ignore_chown_errors=true',
      '--storage-opt=overlay.imagestore=/home/me/images',
      ...[
        'build',
        '--layers=false',
        '--pull=never',
        '--network=none',
        '--build-arg=TOOLCHAIN_IMAGE=0123abcd',
      ],
      ...JOB,
    ]);
  });

  test('buildah of another user begin in its user namespace', async () => {
    const words = await wordsFor('buildah', false);
    expect(words.slice(0, 12)).toEqual(['buildah', 'unshare', ...OWN, ...sh(MEMORY), 'buildah', ...STORE]);
    expect(words).toContain('--storage-opt=vfs.imagestore=/srv/images');
    expect(words).toContain('--storage-opt=vfs.imagestore=/var/lib/containers/storage');
  });

  test('a work folder in memory leave it where it is', async () => {
    const found = await requireImage(machineWith({ podman: { has: 'amd64' } }), 'a/b:c');
    const words = engineWords(found, { ...places, storage: '/dev/shm/w/engine' }, true);
    expect(words.slice(0, 9)).toEqual([...OWN, ...sh(PROC), 'podman', '--root=/dev/shm/w/engine/root']);
    expect(words).toContain('--runroot=/dev/shm/w/engine/run');
  });

  test('chroot isolation name no network: that of the process is empty', async () => {
    vi.stubEnv('BUILDAH_ISOLATION', 'chroot');
    expect(await wordsFor('buildah', true)).not.toContain('--network=none');
    expect(await wordsFor('docker', true)).toContain('--network=none');
  });
});

test('each engine of the table is one of those', () => {
  expect(ENGINES.map(({ name }) => name)).toEqual(Object.keys(ANSWERS));
  const stores = ENGINES.map(({ name, store }) => store?.(ANSWERS[name]));
  expect(stores.map((store: ImageStore | undefined) => store?.driver)).toEqual([undefined, 'overlay', 'vfs']);
});

test.each([
  ['debian:12', true],
  ['localhost:5000/a/b_c@sha256:0123', true],
  ['', false],
  ['-v', false],
  ['a b', false],
  ['a\nRUN x', false],
  ['$(id)', false],
  [`a${'b'.repeat(600)}`, false],
])('%j as the name of an image: %s', (name, is) => {
  expect(isImageName(name)).toBe(is);
});
