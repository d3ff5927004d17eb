import { describe, expect, test } from 'vitest';
import { ENGINES, engineWords, requireEngine } from '../../../src/build/elsewhere/engines.ts';
import { isImageName } from '../../../src/build/toolchain/toolchain.ts';
import type { RunResult } from '../../../src/machine/program.ts';

/** A machine on which each engine that is named answers with its status. */
function machineWith(statuses: Readonly<Record<string, number>>): Parameters<typeof requireEngine>[0] {
  return {
    findProgram: async (name) => (name in statuses ? `/usr/bin/${name}` : undefined),
    run: async ([name]): Promise<RunResult> => ({
      status: statuses[name] ?? 127,
      stdout: Buffer.alloc(0),
      stderr: 'cannot connect\nmore\n',
    }),
  };
}

describe('the engine is the first that works:', () => {
  test.each([
    ['docker', { docker: 0, podman: 0, buildah: 0 }],
    ['podman', { docker: 1, podman: 0, buildah: 0 }],
    ['buildah', { docker: 1, buildah: 0 }],
  ])('%s', async (name, statuses) => {
    expect((await requireEngine(machineWith(statuses))).name).toBe(name);
  });

  test('and where none does, the error says why of each', async () => {
    await expect(requireEngine(machineWith({ docker: 1 }))).rejects.toMatchObject({
      failure: {
        code: 'E_TOOLS_MISSING',
        what: expect.stringContaining(
          'docker does not work (cannot connect); podman is not installed; buildah is not installed',
        ),
      },
    });
  });
});

test.each(ENGINES.map((engine) => [engine.name, engine] as const))(
  '%s gets the image as a value, no network, and a folder for the results',
  (_, engine) => {
    const words = engineWords(engine, { image: 'a/b:c', job: '/w/job', results: '/w/results' });
    expect(words.slice(engine.build.length)).toEqual([
      '--network=none',
      '--build-arg=TOOLCHAIN_IMAGE=a/b:c',
      '--output=type=local,dest=/w/results',
      '--file=/w/job/Dockerfile',
      '/w/job',
    ]);
  },
);

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
