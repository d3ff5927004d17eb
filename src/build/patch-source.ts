import type { ArtifactInfo } from '../artifact-info.ts';
import { makePatch } from '../driver/patch/make.ts';
import { failure } from '../errors.ts';
import type { DriverFiles } from '../kernel-source/driver-files.ts';
import { originText } from '../kernel-source/provider.ts';
import type { Job } from './job.ts';
import { keepLineNumbers } from './line-numbers.ts';

/** A driver's source with the branch removed, and the proof that nothing else changed. */
export interface Patched {
  readonly file: string;
  readonly before: Buffer;
  readonly after: Buffer;
  /** What is compiled: `after`, with the line numbers of `before`. */
  readonly compiled: Buffer;
  readonly patch: ArtifactInfo['patch'];
}

/** Removes the branch. Throws E_PATCH_… where the source does not have it, or it is not certain where it is. */
export function patchSource(job: Job, source: DriverFiles, headers: { readonly version: string }): Patched {
  const file = job.module.name === 'mptscsi' ? 'mptscsi.c' : 'mptscsih.c';
  const before = source.files.get(file);
  if (before === undefined) {
    throw failure(
      'E_DRIVER_NOT_IN_SOURCE',
      `${originText(job.source)} has no ${file}, from which the guest's module ${job.module.name} is built`,
      'give --source the source of exactly this kernel',
    );
  }
  // latin1: every byte of a source of 2001 comes back as it was, whatever its encoding.
  const result = makePatch({ text: before.toString('latin1'), file, base: headers.version });
  if (result.kind === 'nothing' && !job.expectBranch)
    return { file, before, after: before, compiled: before, patch: null };
  if (result.kind === 'nothing') {
    throw failure(
      'E_PATCH_NO_BRANCH',
      `the guest's module has the branch, but the source does not (${result.detail}): the module was not built from it`,
      `give --source the source of exactly ${job.kernel.packageVersion ?? job.kernel.release}`,
    );
  }
  const { name, origin, lines, diff, patched } = result;
  return {
    file,
    before,
    after: Buffer.from(patched, 'latin1'),
    compiled: Buffer.from(keepLineNumbers(before.toString('latin1'), patched), 'latin1'),
    patch: { name, origin, firstLine: lines.first, lastLine: lines.last, diff },
  };
}
