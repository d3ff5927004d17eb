import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { json, mptfix } from './cli.ts';
import { bootstrapForeign, inside, install } from './debian-packages.ts';
import { makeImagesQuickly, quickestFolder } from './debian-tree.ts';
import { fixtureOf, type GuestFixture } from './guest-tree.ts';
import { modulePath } from './slim-guest.ts';

/** Guests of i386 with Debian's own kernel for 686 with PAE. */
export interface I386Trees {
  /** The tree of `demo --arch i386`: headers and C library, no package manager. */
  readonly fixture: GuestFixture;
  /** A bootstrapped guest with the same affected module, the image of its own initramfs-tools, and no headers. */
  readonly guest: string;
  readonly image: string;
  /** What took how long, and how much the trees take. */
  readonly cost: {
    readonly demoSeconds: number;
    readonly bootstrapSeconds: number;
    readonly guestMB: number;
  };
  dispose(): void;
}

/** Made once for the one file that needs them: some 350 MB of downloads, two minutes on two idle cores. */
export async function makeI386Trees(): Promise<I386Trees> {
  const work = mkdtempSync('/var/tmp/mptfix-i386-');
  const home = mkdtempSync(join(quickestFolder(), 'mptfix-i386-'));
  const dispose = () => {
    for (const folder of [work, home]) rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const folder of [work, home]) chmodSync(folder, 0o755);
    const fixture = await demoOf(work);
    const started = Date.now();
    const guest = join(home, 'guest');
    bootstrapForeign(guest, 'i386');
    await installKernel(guest, fixture, work);
    const image = `/boot/initrd.img-${fixture.release}`;
    await inside(guest, 'mkinitramfs', '-o', image, fixture.release);
    nameArchives(guest);
    const bootstrapSeconds = (Date.now() - started) / 1000;
    const guestMB = Number.parseInt(execFileSync('du', ['-sm', guest]).toString(), 10);
    return {
      fixture,
      guest,
      image,
      cost: { demoSeconds: fixture.seconds, bootstrapSeconds, guestMB },
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

async function demoOf(work: string): Promise<GuestFixture> {
  const started = Date.now();
  const run = await mptfix(['demo', '--arch', 'i386', '--keep', '--json', '--work', work]);
  if (run.status !== 0) throw new Error(`the demo failed (${run.status}):\n${run.stdout}\n${run.stderr}`);
  return fixtureOf(json(run), started);
}

/** dpkg installs the package that the demo has fetched; then the affected module comes in the place of its own. */
async function installKernel(guest: string, fixture: GuestFixture, work: string): Promise<void> {
  const debs = join(dirname(fixture.guest), 'debs');
  const kernel = readdirSync(debs).find((name) => name.startsWith(`linux-image-${fixture.release}_`)) ?? '';
  mkdirSync(join(work, 'kernel'));
  copyFileSync(join(debs, kernel), join(work, 'kernel', kernel));
  await install(guest, join(work, 'kernel'));
  makeImagesQuickly(guest);
  const module = modulePath(fixture.release);
  rmSync(join(guest, module));
  copyFileSync(join(fixture.guest, module), join(guest, module));
  await inside(guest, 'depmod', fixture.release);
}

/** Its archives are this machine's, with their keys: apt is not among the essential packages. */
function nameArchives(guest: string): void {
  for (const name of ['sources.list', 'sources.list.d', 'trusted.gpg.d']) {
    rmSync(join(guest, 'etc/apt', name), { recursive: true, force: true });
    if (existsSync(`/etc/apt/${name}`))
      cpSync(`/etc/apt/${name}`, join(guest, 'etc/apt', name), { recursive: true });
  }
  cpSync('/usr/share/keyrings', join(guest, 'usr/share/keyrings'), { recursive: true });
}
