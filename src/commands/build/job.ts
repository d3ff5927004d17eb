import { resolve } from 'node:path';
import { assess } from '../../assess/assess.ts';
import type { Job } from '../../build/job.ts';
import { scanModule } from '../../driver/module/scan.ts';
import { readElf } from '../../elf/elf.ts';
import { modinfo, modinfoField } from '../../elf/module-data.ts';
import { failure } from '../../errors.ts';
import { readModule } from '../../guest/module-file.ts';
import { sha256 } from '../../hash.ts';
import { localTarget, rootTarget } from '../../machine/tree.ts';
import { planOrigins } from '../../plan/origins.ts';
import { guestHeaders } from '../../plan/prepare.ts';
import { kernelBase } from '../../versions/kernel-base.ts';

export interface BuildWishes {
  readonly root?: string;
  readonly module?: string;
  readonly kernel?: string;
  readonly source?: string;
  readonly headers?: string;
  readonly offline: boolean;
  readonly wholeTree?: boolean;
}

/** What `build` shall make: for a guest's tree, this machine, or a module file alone. Writes nothing. */
export async function buildJob(wishes: BuildWishes): Promise<Job> {
  if (wishes.module === undefined) return fromGuest(wishes);
  if (wishes.root === undefined) return fromModule(wishes, resolve(wishes.module));
  throw failure('E_USAGE', '--root and --module both name the module to replace', 'give one of them');
}

async function fromGuest(wishes: BuildWishes): Promise<Job> {
  const guest =
    wishes.root === undefined ? localTarget({ dryRun: true }) : rootTarget(wishes.root, { dryRun: true });
  const assessment = await assess(guest, wishes.kernel);
  const { kernel, module, distro } = assessment.facts;
  if (module === undefined) {
    throw failure(
      'E_MODULE_MISSING',
      `the kernel ${kernel.release} has no module mptscsih (nor mptscsi)`,
      'if another kernel is meant, say --kernel RELEASE; for a module file alone give --module',
    );
  }
  const origins = planOrigins(assessment, {
    ...absolute(wishes),
    guestHeaders: await guestHeaders(guest, kernel.release),
  });
  const shipped = await readModule(guest, module.path);
  return {
    kernel: {
      release: kernel.release,
      base: kernel.base ?? null,
      distro: distro.pretty,
      packageVersion: kernel.packageVersion ?? null,
    },
    module: { name: module.name, path: module.path, sha256: module.sha256 },
    shipped,
    expectBranch: scanModule(shipped.bytes, module.path).verdict !== 'branch-absent',
    guest,
    ...origins,
  };
}

/** A module's own vermagic starts with the release that it was built for. */
async function fromModule(wishes: BuildWishes, path: string): Promise<Job> {
  const machine = localTarget({ dryRun: true });
  if ((await machine.stat(path))?.type !== 'file') {
    throw failure(
      'E_MODULE_MISSING',
      `there is no file ${path}`,
      'give --module the module that the distro shipped',
    );
  }
  const { source, headers, wholeTree } = absolute(wishes);
  if (source === undefined || (headers === undefined && !wholeTree)) {
    const missing = source === undefined ? '--source' : '--headers';
    throw failure(
      'E_USAGE',
      `with --module alone nothing tells where ${missing} would come from`,
      `give ${missing} too`,
    );
  }
  const shipped = await readModule(machine, path);
  const scan = scanModule(shipped.bytes, path);
  const vermagic = modinfoField(modinfo(readElf(shipped.bytes)), 'vermagic') ?? '';
  const release = wishes.kernel ?? vermagic.split(' ')[0] ?? '';
  return {
    kernel: { release, base: kernelBase(release)?.base ?? null, distro: 'not told', packageVersion: null },
    module: { name: scan.name ?? 'mptscsih', path, sha256: sha256(await machine.read(path)) },
    shipped,
    expectBranch: scan.verdict !== 'branch-absent',
    source: { kind: 'local', path: source },
    headers: headers === undefined ? { kind: 'tree' } : { kind: 'local', path: headers },
  };
}

function absolute({ source, headers, offline, wholeTree }: BuildWishes): {
  source: string | undefined;
  headers: string | undefined;
  offline: boolean;
  wholeTree: boolean;
} {
  return {
    source: source === undefined ? undefined : resolve(source),
    headers: headers === undefined ? undefined : resolve(headers),
    offline,
    wholeTree: wholeTree ?? false,
  };
}
