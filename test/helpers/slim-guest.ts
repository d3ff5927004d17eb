import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GuestFixture } from './guest-tree.ts';

export interface SlimGuest {
  readonly root: string;
  /** Joins a path below the tree. */
  at(...parts: readonly string[]): string;
  /** Replaces a file: the tree shares its files with the fixture, so none may be edited in place. */
  put(path: string, content: string | Uint8Array): void;
  remove(path: string): void;
  dispose(): void;
}

/** What of the fixture's tree a slim one keeps: everything that mptfix reads, but not 4,000 modules. */
function kept(release: string): string[] {
  const modules = `lib/modules/${release}`;
  return [
    'etc',
    'var',
    'usr/src',
    'usr/lib',
    `${modules}/build`,
    `${modules}/source`,
    `${modules}/modules.builtin`,
    `${modules}/modules.order`,
    `${modules}/modules.dep`,
    `${modules}/modules.dep.bin`,
    `${modules}/kernel/drivers/message`,
    `${modules}/kernel/drivers/scsi`,
  ];
}

/** A small guest's tree of its own, of hard links: made in a moment, thrown away after the test. */
export function slimGuest(fixture: GuestFixture): SlimGuest {
  const root = mkdtempSync(join(dirname(fixture.guest), 'slim-'));
  for (const path of kept(fixture.release)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    execFileSync('cp', ['-al', join(fixture.guest, path), join(root, path)]);
  }
  rmSync(join(root, 'var/lib/mptfix'), { recursive: true, force: true });
  const at = (...parts: readonly string[]): string => join(root, ...parts);
  return {
    root,
    at,
    put: (path, content) => {
      rmSync(at(path), { force: true });
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
    },
    remove: (path) => rmSync(at(path), { recursive: true, force: true }),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function modulePath(release: string): string {
  return `lib/modules/${release}/kernel/drivers/message/fusion/mptscsih.ko`;
}
