import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A skipped or focused test must not pass unseen.
    allowOnly: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/debian/**'],
          globalSetup: 'test/helpers/bundle.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/debian/**/*.test.ts'],
          // The distro's real packages are fetched once, and every file works on a tree of them or a copy of one:
          // bootstrapped guests with the distro's own kernel, initramfs-tools and dracut, and the demo's with sources.
          globalSetup: [
            'test/helpers/bundle.ts',
            'test/helpers/guest-tree.ts',
            'test/helpers/debian-tree.ts',
            'test/helpers/toolchain-tree.ts',
          ],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
