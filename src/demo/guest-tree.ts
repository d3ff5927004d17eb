import { basename, join } from 'node:path';
import type { Architecture } from '../architectures.ts';
import { type CompileOptions, compileModule } from '../build/compile.ts';
import { reintroduceBranch } from '../driver/patch/make.ts';
import { compressModule } from '../elf/compression.ts';
import { failure } from '../errors.ts';
import { filterTool, moduleFile, readModule } from '../guest/module-file.ts';
import { runDepmod } from '../install/depmod.ts';
import type { DriverFiles } from '../kernel-source/driver-files.ts';
import { readHeaders } from '../kernel-source/headers.ts';
import { unpackDriver } from '../kernel-source/unpack.ts';
import { LIMITS } from '../limits.ts';
import { MODULES_FOLDER, makeFolders } from '../machine/folders.ts';
import type { Target } from '../machine/port.ts';
import { defined } from '../optional.ts';
import type { Progress } from '../progress.ts';
import type { Workspace } from '../work/workspace.ts';
import type { KernelPackages } from './packages.ts';

/** What the demo works on: nothing of it is outside the work folder. */
export interface DemoTree {
  /** The guest's tree: for `--root`. */
  readonly guest: string;
  /** A kernel source (the driver's folder and the top Makefile) with the branch reintroduced: for `--source`. */
  readonly source: string;
  readonly release: string;
  readonly modulePath: string;
  /** A copy of the distro's own module, as its package brought it. */
  readonly distroModule: string;
}

/**
 * Takes the driver out of the distro's source tarball and puts the branch back into a copy: every kernel that can be
 * had here is long fixed. `fixed` is mptscsih.c as the distro has it.
 */
export async function affectedSource(
  workspace: Workspace,
  tarball: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly folder: string; readonly files: DriverFiles['files']; readonly fixed: Buffer }> {
  const { machine, user } = workspace;
  const unpacked = await unpackDriver(machine, tarball, { progress, signal, ...defined({ user }) });
  const fixed = unpacked.files.get('mptscsih.c');
  if (fixed === undefined)
    throw failure('E_DRIVER_NOT_IN_SOURCE', `${tarball} has no mptscsih.c`, 'report this');
  const files = new Map<string, Buffer>(unpacked.files);
  files.set('mptscsih.c', Buffer.from(reintroduceBranch(fixed.toString('latin1')), 'latin1'));
  const folder = workspace.at('source');
  const driver = join(folder, 'drivers/message/fusion');
  await makeFolders(machine, join(driver, 'lsi'));
  for (const [name, content] of files) await machine.write(join(driver, name), content);
  if (unpacked.makefile !== undefined) await machine.write(join(folder, 'Makefile'), unpacked.makefile);
  return { folder, files, fixed };
}

/** Unpacks the kernel's packages as a guest's tree, with the release file and the package database of this machine's kind. */
export async function unpackGuest(
  workspace: Workspace,
  kernel: KernelPackages,
  signal: AbortSignal,
): Promise<string> {
  const { machine } = workspace;
  const guest = workspace.at('guest');
  for (const folder of ['etc', 'var/lib/dpkg']) await makeFolders(machine, join(guest, folder));
  for (const deb of kernel.guestDebs) {
    const result = await machine.run(['dpkg-deb', '--extract', deb, guest], { effect: 'write', signal });
    signal.throwIfAborted();
    if (result.status !== 0) throw new Error(`cannot unpack ${deb}: ${result.stderr.trim()}`);
  }
  await machine.write(
    join(guest, 'etc/os-release'),
    (await machine.readText('/etc/os-release', LIMITS.textBytes)) ?? '',
  );
  const stanzas = kernel.modulePackages.map(
    (name) =>
      `Package: ${name}\nStatus: install ok installed\nArchitecture: ${kernel.architecture.debian}\nVersion: ${kernel.version}\n`,
  );
  await machine.write(join(guest, 'var/lib/dpkg/status'), `${stanzas.join('\n')}\n`);
  return guest;
}

/** Builds the guest's own, affected, module and puts it in the place of the distro's, with its mode, owner and packing. */
export async function plantAffectedModule(
  guest: Target,
  options: Pick<CompileOptions, 'workspace' | 'files' | 'toolchain' | 'progress' | 'signal'> & {
    readonly release: string;
    readonly architecture: Architecture;
  },
): Promise<Pick<DemoTree, 'modulePath' | 'distroModule'>> {
  const { workspace, toolchain, release, architecture } = options;
  const shipped = await moduleFile(guest, release, ['mptscsih']);
  if (shipped === undefined) {
    throw failure(
      'E_MODULE_MISSING',
      `the newest kernel ${release} has no mptscsih`,
      'the demo needs a distro that still ships it',
    );
  }
  const headers = await readHeaders(guest, `${MODULES_FOLDER}/${release}/build`, workspace, {
    ...(toolchain.kind === 'machine' ? { libraries: [guest] } : {}),
    shownIn: toolchain.place,
  });
  const compiled = await compileModule({
    ...options,
    headers,
    module: 'mptscsih',
    label: 'affected',
    makeVars: [`ARCH=${architecture.kernel}`],
  });
  const { format } = await readModule(guest, shipped.path);
  const distroModule = workspace.at(`distro-${basename(shipped.path)}`);
  await workspace.machine.write(distroModule, await guest.read(shipped.path, LIMITS.moduleBytes));
  const status = await guest.stat(shipped.path);
  const bytes = await compressModule(compiled.bytes, format, filterTool(workspace.machine));
  const { mode, uid, gid } = status ?? {};
  await guest.write(shipped.path, bytes, defined({ mode, uid, gid }));
  if (status !== undefined) await guest.setMtime(shipped.path, status.mtime);
  await runDepmod(guest, release);
  return { modulePath: shipped.path, distroModule };
}
