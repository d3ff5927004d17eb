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
          name: 'debian',
          include: ['test/debian/**/*.test.ts'],
          // Guests bootstrapped once, with the distro's own kernel, initramfs-tools and dracut.
          globalSetup: ['test/helpers/bundle.ts', 'test/helpers/debian-tree.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          // The distro's real packages are fetched once, and every file works on that tree or a copy of it.
          globalSetup: ['test/helpers/bundle.ts', 'test/helpers/guest-tree.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
