import { dirname, join } from 'node:path';
import { failure } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { compressionOf } from '../../machine/compression.ts';
import { makeFolders } from '../../machine/folders.ts';
import { requireTools, TOOLS } from '../../machine/tools.ts';
import type { Workspace } from '../../work/workspace.ts';
import type { UnpackOptions } from '../archive.ts';
import { DRIVER_FOLDER } from '../driver-files.ts';
import { unpackDriver } from '../unpack.ts';
import { driverPart } from './driver-part.ts';
import { runPrep } from './run-prep.ts';
import { readPreparation, type SpecPatch } from './spec.ts';

/** What a source RPM is prepared for. */
export interface SpecRequest {
  /** The folder where it was unpacked, and its file's name for messages. */
  readonly folder: string;
  readonly name: string;
  /** As rpm calls it: `x86_64`, `i686`. */
  readonly architecture: string;
  readonly wholeTree: boolean;
}

/**
 * Makes the distro's own source of what a source RPM holds. Where only the driver is wanted and the spec shows each change to its
 * folder, the spec's patches are applied to that folder alone; else rpmbuild runs the spec's %prep. Returns the tree, which has
 * only the driver and the top Makefile in the first case. Throws E_SOURCE_MISSING where the RPM lacks a file that its spec
 * names, E_SOURCE_PREP where a patch does not fit or a program of the spec fails.
 */
export async function prepareSpec(
  workspace: Workspace,
  request: SpecRequest,
  options: UnpackOptions,
): Promise<string> {
  const spec = await specFile(workspace, request);
  options.progress.note(`reading ${spec}`);
  const { tarball, patches, doubts } = readPreparation(await expanded(workspace, spec, request, options));
  const files = await workspace.machine.list(request.folder);
  const missing = [...(tarball === undefined ? [] : [tarball]), ...patches.map(({ file }) => file)].filter(
    (file) => !files.includes(file),
  );
  if (missing.length > 0) {
    throw failure(
      'E_SOURCE_MISSING',
      `${request.name} lacks ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}, which its spec uses`,
      'fetch the source package again, or give --source with the patched source',
    );
  }
  const parts = await driverParts(workspace, request, patches);
  if (request.wholeTree || doubts.length > 0 || tarball === undefined || parts === undefined)
    return runPrep(workspace, { ...request, spec }, options);
  return patchedDriver(workspace, request, { tarball, parts }, options);
}

/** What of a patch is for the driver. */
interface PatchPart extends SpecPatch {
  readonly text: string;
}

/** Those of the patches that change the driver; undefined where one may do so in a way that does not show. */
async function driverParts(
  workspace: Workspace,
  { folder, name }: SpecRequest,
  patches: readonly SpecPatch[],
): Promise<readonly PatchPart[] | undefined> {
  const parts: PatchPart[] = [];
  for (const patch of patches) {
    const whole = await patchText(workspace, join(folder, patch.file), name);
    const text = driverPart(whole, patch.strip);
    if (text === undefined) return undefined;
    if (text !== '') parts.push({ ...patch, text });
  }
  return parts;
}

async function specFile({ machine }: Workspace, { folder, name }: SpecRequest): Promise<string> {
  const specs = (await machine.list(folder)).filter((file) => file.endsWith('.spec'));
  const [spec, ...others] = specs;
  if (spec !== undefined && others.length === 0) return spec;
  throw failure(
    'E_SOURCE_PREP',
    `${name} has ${specs.length} spec files, and not one`,
    'give --source with the patched source',
  );
}

/** The spec as rpm reads it: macros expanded, conditions decided. A macro may run a program, so it does so in a sandbox. */
async function expanded(
  { machine, user }: Workspace,
  spec: string,
  { folder, name, architecture }: SpecRequest,
  { signal }: UnpackOptions,
): Promise<string> {
  await requireTools(machine, [TOOLS.rpmspec]);
  // Old rpm left it to patch how far off a hunk may be: 2 lines. Today's default is 0, and a spec's own word counts before both.
  const define = [
    '_default_patch_fuzz 2',
    '_sourcedir /spec',
    '_topdir /tmp',
    '_specdir /spec',
    '_dbpath /tmp/rpm',
  ].flatMap((words) => ['--define', words]);
  const result = await machine.run(
    ['rpmspec', '--parse', ...define, '--target', architecture, join('/spec', spec)],
    {
      effect: 'read',
      user,
      signal,
      env: { HOME: '/tmp' },
      sandbox: { readOnly: [{ from: folder, to: '/spec' }], writable: [], limits: LIMITS.build },
    },
  );
  signal?.throwIfAborted();
  if (result.status === 0) return result.stdout.toString('utf8');
  throw failure(
    'E_SOURCE_PREP',
    `rpm cannot read the spec of ${name}: ${result.stderr.trim().split('\n').at(-1)}`,
    'prepare the source by hand (rpmbuild -bp, on the distro itself) and give it with --source',
  );
}

async function patchedDriver(
  workspace: Workspace,
  { folder, name }: SpecRequest,
  { tarball, parts }: { readonly tarball: string; readonly parts: readonly PatchPart[] },
  options: UnpackOptions,
): Promise<string> {
  const { machine } = workspace;
  await requireTools(machine, [TOOLS.patch]);
  await requirePlain(workspace, join(folder, tarball), name);
  const { files, makefile } = await unpackDriver(machine, join(folder, tarball), options);
  const tree = await workspace.userFolder('driver');
  for (const [path, content] of [
    ...[...files].map(([path, content]) => [join(DRIVER_FOLDER, path), content] as const),
    ...(makefile === undefined ? [] : [['Makefile', Buffer.from(makefile)] as const]),
  ]) {
    await makeFolders(machine, dirname(join(tree, path)));
    await machine.write(join(tree, path), content);
  }
  await workspace.handOver(tree);
  for (const part of parts) await applyPatch(workspace, { tree, name, part }, options);
  return tree;
}

async function applyPatch(
  workspace: Workspace,
  { tree, name, part }: { readonly tree: string; readonly name: string; readonly part: PatchPart },
  { progress, signal }: UnpackOptions,
): Promise<void> {
  const { machine, user } = workspace;
  progress.note(`applying ${part.file}`);
  const place = '/tree';
  const fuzz = part.fuzz === undefined ? [] : [`--fuzz=${part.fuzz}`];
  const result = await machine.run(
    [
      'patch',
      `--strip=${part.strip}`,
      ...fuzz,
      '--batch',
      part.reverse ? '--reverse' : '--forward',
      '--no-backup-if-mismatch',
      '-d',
      place,
    ],
    {
      effect: 'write',
      input: Buffer.from(part.text, 'latin1'),
      user,
      signal,
      sandbox: { readOnly: [], writable: [{ from: tree, to: place }], limits: LIMITS.build },
    },
  );
  signal?.throwIfAborted();
  if (result.status === 0) return;
  const words = result.stdout.toString('utf8').trim().split('\n');
  throw failure(
    'E_SOURCE_PREP',
    `${part.file} of ${name} does not fit the source that it is for: ${words.find((line) => /FAILED|can't find|malformed|Reversed/.test(line)) ?? words.at(-1)}`,
    'fetch the source package again, or give --source with the patched source',
  );
}

/** A patch's text, by latin1: its bytes need not be those of any encoding. */
async function patchText(workspace: Workspace, path: string, name: string): Promise<string> {
  const { machine, user } = workspace;
  await requirePlain(workspace, path, name);
  const compression = compressionOf(await machine.readRange(path, 0, 512));
  if (compression === undefined) return (await machine.read(path, LIMITS.imageBytes)).toString('latin1');
  const parts: Buffer[] = [];
  let bytes = 0;
  const result = await machine.run(compression.tool, {
    effect: 'read',
    stdinFile: path,
    user,
    onChunk: (chunk) => {
      bytes += chunk.length;
      parts.push(Buffer.from(chunk));
      return bytes <= LIMITS.imageBytes;
    },
  });
  if (result.status === 0) return Buffer.concat(parts).toString('latin1');
  throw failure('E_SOURCE_PREP', `${path} cannot be unpacked`, 'fetch the source package again');
}

/** A link in the package would lead to a file of this machine. */
async function requirePlain({ machine }: Workspace, path: string, name: string): Promise<void> {
  if ((await machine.lstat(path))?.type === 'file') return;
  throw failure(
    'E_ARCHIVE_UNSAFE',
    `${path.replace(/^.*\//, '')} of ${name} is no plain file`,
    'do not use this package: no kernel’s source has that; fetch it from the distro again',
  );
}
