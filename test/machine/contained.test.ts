import { describe, expect, test } from 'vitest';
import { withoutSandbox } from '../../src/machine/contained.ts';

const sandbox = {
  readOnly: [{ from: '/w/headers', to: '/usr/src/linux' }],
  writable: [
    { from: '/w/module', to: '/build/module' },
    { from: '/w/inner', to: '/build/module/inner' },
  ],
};

describe('in a container that is being built', () => {
  test('a program is told the real path of what a sandbox would show elsewhere', () => {
    const argv = ['tar', '-C', '/build/module/.', '/build/module', '/build/module/inner/a', '-x'] as const;
    expect(
      withoutSandbox(argv, { cwd: '/build/module', env: { TMPDIR: '/usr/src/linux/t' } }, sandbox),
    ).toEqual({
      argv: ['tar', '-C', '/w/module/.', '/w/module', '/w/inner/a', '-x'],
      cwd: '/w/module',
      env: { TMPDIR: '/w/headers/t' },
    });
  });

  test('and no other word is changed', () => {
    const argv = ['sh', '-c', 'cat /build/module', '/build/modules', 'x/build/module'] as const;
    expect(withoutSandbox(argv, {}, sandbox).argv).toEqual(argv);
  });

  test('it runs no other system’s programs', () => {
    const programs = { root: '/tree', is32Bit: false };
    expect(() => withoutSandbox(['make'], {}, { ...sandbox, programs })).toThrow(
      'no programs of another tree',
    );
  });
});
