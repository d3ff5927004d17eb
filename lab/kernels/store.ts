import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import type { Document } from '../../src/document.ts';
import { readElf } from '../../src/elf/elf.ts';
import { modinfo, modinfoField } from '../../src/elf/module-data.ts';
import { moduleFile, readModule } from '../../src/guest/module-file.ts';
import { MODULES_FOLDER } from '../../src/machine/folders.ts';
import type { Target } from '../../src/machine/port.ts';
import { mustRun } from '../../src/machine/tools.ts';
import { rootTarget } from '../../src/machine/tree.ts';
import { say } from '../../src/ui/output.ts';
import type { Demo, Lab } from '../part.ts';
import { bootstrapGuest } from './bootstrap.ts';
import { fetchBusybox } from './busybox.ts';
import type { LabKernel } from './table.ts';

/** What is written last into a kernel's folder: without it the folder is not whole. */
const MADE = 'kernel.json';

const madeSchema = v.strictObject({
  format: v.literal(1),
  release: v.string(),
  packageVersion: v.string(),
  /** `srcversion` of the module with the branch, and of the one that mptfix patched. */
  affected: v.string(),
  patched: v.string(),
  /** The patched module's file name. */
  module: v.string(),
  date: v.pipe(v.string(), v.isoTimestamp()),
});
type Made = Document<typeof madeSchema>;

/** A kernel that is ready to be booted with either driver. */
export interface ReadyKernel extends Made {
  /** The guest's tree: its kernel in /boot and its modules, with the affected driver. */
  readonly guest: string;
  readonly vmlinuz: string;
  /** The driver that mptfix patched. */
  readonly patchedModule: string;
  /** A busybox of the kernel's architecture, where this machine's is of another. */
  readonly busybox: string | undefined;
  readonly qemu: LabKernel['qemu'];
}

/** What the trials need of a kernel: from the store, or built into it. Throws where its packages cannot be had. */
export async function readyKernel(lab: Lab, store: string, kernel: LabKernel): Promise<ReadyKernel> {
  const folder = join(store, kernel.name);
  const kept = await readMade(folder);
  if (kept !== undefined) return ready(folder, kernel, kept);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return ready(folder, kernel, await make(lab, kernel, folder));
}

function ready(folder: string, kernel: LabKernel, made: Made): ReadyKernel {
  const guest = join(folder, 'guest');
  return {
    ...made,
    guest,
    qemu: kernel.qemu,
    vmlinuz: join(guest, 'boot', `vmlinuz-${made.release}`),
    patchedModule: join(folder, made.module),
    busybox: runsHere(kernel) ? undefined : join(folder, 'busybox'),
  };
}

/** Whether this machine's busybox is for the kernel. */
function runsHere({ architecture }: LabKernel): boolean {
  return architecture === 'x86_64' && process.arch === 'x64';
}

async function readMade(folder: string): Promise<Made | undefined> {
  const text = await readFile(join(folder, MADE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), madeSchema), text);
  return parsed.success ? parsed.output : undefined;
}

async function make(lab: Lab, kernel: LabKernel, folder: string): Promise<Made> {
  const base = lab.workspace.at('kernels', kernel.name);
  await mkdir(base, { recursive: true, mode: 0o755 });
  try {
    return await makeIn(lab, kernel, { base, folder });
  } finally {
    // A guest of another release takes more than a gigabyte.
    await rm(base, { recursive: true, force: true });
  }
}

async function makeIn(
  lab: Lab,
  kernel: LabKernel,
  { base, folder }: { readonly base: string; readonly folder: string },
): Promise<Made> {
  const { machine } = lab.workspace;
  const { demo, toolchain } = await makeDemo(lab, kernel, join(base, 'demo'));
  say(`${kernel.name}: building the patched driver: mptfix build`);
  const output = join(base, 'output');
  const document = JSON.parse(
    await lab.mptfix([
      ...['build', '--root', demo.guest, '--source', demo.source, '--no-cache', '--json'],
      ...['--output', output, ...toolchain],
    ]),
  ) as { readonly module: { readonly file: string } };
  const { release, packageVersion } = demo.kernel;
  const module = basename(document.module.file);
  await mustRun(machine, ['cp', '--', document.module.file, join(folder, module)]);
  await keepTree(machine, demo, join(folder, 'guest'));
  if (!runsHere(kernel)) await fetchBusybox(lab, kernel, { work: base, to: join(folder, 'busybox') });
  const tree = rootTarget(join(folder, 'guest'), { dryRun: true });
  const affected = await moduleFile(tree, release, ['mptscsih']);
  if (affected === undefined) throw new Error(`${kernel.name} has no mptscsih`);
  const made: Made = {
    format: 1,
    release,
    packageVersion,
    affected: await srcversion(tree, affected.path),
    patched: await srcversion(machine, join(folder, module)),
    module,
    date: new Date().toISOString(),
  };
  await machine.write(join(folder, MADE), `${JSON.stringify(made, undefined, 2)}\n`);
  return made;
}

/** This machine's own release is built by `mptfix demo`, which needs no whole guest; any other by its own compiler. */
async function makeDemo(
  lab: Lab,
  kernel: LabKernel,
  folder: string,
): Promise<{ readonly demo: Demo; readonly toolchain: readonly string[] }> {
  if ((await ownCodename()) !== kernel.codename) {
    say(`${kernel.name}: making a guest of Debian ${kernel.codename} with its compiler (a minute or two)`);
    const demo = await bootstrapGuest(lab, kernel, folder);
    return { demo, toolchain: ['--toolchain', 'guest'] };
  }
  if (kernel.architecture === 'x86_64') return { demo: await lab.demo(), toolchain: [] };
  say(`${kernel.name}: mptfix demo --arch ${kernel.architecture} (a minute or two)`);
  await mkdir(folder, { mode: 0o755 });
  const argv = ['demo', '--arch', kernel.architecture, '--keep', '--json', '--work', folder];
  return { demo: JSON.parse(await lab.mptfix(argv)) as Demo, toolchain: [] };
}

async function ownCodename(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  // Ubuntu's codenames are not Debian's: its kernels are others.
  return /^ID=debian$/m.test(text) ? /^VERSION_CODENAME=(\w+)/m.exec(text)?.[1] : undefined;
}

/** Of the guest's tree, the kernel and its modules: a copy, as other parts of the lab may use the same demo. */
async function keepTree(machine: Target, demo: Demo, to: string): Promise<void> {
  const { release } = demo.kernel;
  const modules = join(to, MODULES_FOLDER);
  for (const folder of [modules, join(to, 'boot')]) await mkdir(folder, { recursive: true });
  const copy = ['cp', '--archive', '--reflink=auto', '--'] as const;
  await mustRun(machine, [...copy, join(demo.guest, 'boot', `vmlinuz-${release}`), join(to, 'boot')]);
  await mustRun(machine, [...copy, join(demo.guest, MODULES_FOLDER, release), modules]);
}

async function srcversion(target: Target, path: string): Promise<string> {
  const { bytes } = await readModule(target, path);
  return modinfoField(modinfo(readElf(bytes)), 'srcversion') ?? '';
}
