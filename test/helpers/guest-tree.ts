import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { json, mptfix } from './cli.ts';

/** What the end-to-end tests work on: made by the demo, of the distro's real packages. */
export interface GuestFixture {
  /** A guest's tree whose module has the branch. */
  readonly guest: string;
  /** The source that this module was built from. */
  readonly source: string;
  /** The distro's own tarball, where the branch is gone. */
  readonly tarball: string;
  /** The distro's own module, fixed. */
  readonly distroModule: string;
  readonly release: string;
  readonly packageVersion: string;
  /** Seconds that the demo took. */
  readonly seconds: number;
  // biome-ignore lint/suspicious/noExplicitAny: the demo's document
  readonly demo: any;
}

declare module 'vitest' {
  interface ProvidedContext {
    fixture: GuestFixture;
  }
}

/** Runs the demo once, and keeps its tree until the tests are done. */
export async function setup(project: TestProject): Promise<() => void> {
  const work = mkdtempSync(join('/var/tmp', 'mptfix-test-'));
  // The user that compiles has to get through.
  chmodSync(work, 0o755);
  const started = Date.now();
  const run = await mptfix(['demo', '--keep', '--json', '--work', work]);
  if (run.status !== 0) {
    rmSync(work, { recursive: true, force: true });
    throw new Error(`the demo failed (${run.status}):\n${run.stdout}\n${run.stderr}`);
  }
  project.provide('fixture', fixtureOf(json(run), started));
  return () => rmSync(work, { recursive: true, force: true });
}

/** What a demo has made, of its document. @param started in milliseconds, as Date.now() says */
// biome-ignore lint/suspicious/noExplicitAny: the demo's document
export function fixtureOf(demo: any, started: number): GuestFixture {
  const { release, packageVersion } = demo.kernel;
  const series = packageVersion.split('.').slice(0, 2).join('.');
  return {
    guest: demo.guest,
    source: demo.source,
    tarball: join(demo.guest, '../packages/usr/src', `linux-source-${series}.tar.xz`),
    distroModule: demo.distroModule,
    release,
    packageVersion,
    seconds: (Date.now() - started) / 1000,
    demo,
  };
}
