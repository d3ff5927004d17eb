import { DRIVER_FOLDER } from './driver-files.ts';
import { orderCheck, placeOf } from './entry-order.ts';

/**
 * Tells where in a tar stream nothing of the driver can follow. That is known only of what `git archive --prefix` has
 * written, as kernel.org's tarballs are (from 2.6.12 on) and Red Hat's (from RHEL 6 on): one tree, in one folder that
 * comes first, each name once and in their order. Any other tar is read to its end: there a second driver may follow, or
 * a newer copy of a file, which counts for `tar x` and for mptfix.
 */
export interface DriverEnd {
  /** The text of a header that says something of other entries. */
  header(text: string): void;
  /** The name of each entry, in their order. */
  entry(name: string): void;
  /** The top folder of the tree, with its slash, once an entry behind the driver's folder has come; undefined before. */
  passed(): string | undefined;
}

export function driverEnd(): DriverEnd {
  const order = orderCheck();
  let fromGit = false;
  let top: string | undefined;
  let inside = false;
  let past = false;
  return {
    header: (text) => {
      if (top === undefined) fromGit = isGitComment(text);
    },
    entry: (name) => {
      if (!fromGit || past) return;
      top ??= name;
      order.add(name);
      // A name outside, or out of order: it is not what git writes.
      fromGit = isTop(top) && name.startsWith(top) && order.sorted();
      const place = placeOf(name, `${top}${DRIVER_FOLDER}/`);
      inside ||= place === 'inside';
      past = fromGit && inside && place === 'after';
    },
    passed: () => (past ? top : undefined),
  };
}

/**
 * Whether it is all that git's global pax header has: the commit's name, by SHA-1 or SHA-256. Source: git's archive-tar.c,
 * write_global_extended_header.
 */
function isGitComment(text: string): boolean {
  return /^\d+ comment=(?:[0-9a-f]{40}|[0-9a-f]{64})\n$/.test(text);
}

/** One folder, and no name that stands for the folder where the archive is unpacked. */
function isTop(name: string): boolean {
  return /^(?!\.{1,2}\/)[^/]+\/$/.test(name);
}
