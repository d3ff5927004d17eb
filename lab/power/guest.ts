import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../src/hash.ts';
import type { Target } from '../../src/machine/port.ts';
import { packageRoot } from '../../src/package-root.ts';
import { say } from '../../src/ui/output.ts';
import type { Lab } from '../part.ts';
import { makeTree } from '../systemd/tree.ts';
import { addPower, bootFiles, makeImage } from './guest-image.ts';
import { driversOf, type Guest } from './prepare.ts';

/**
 * The guest of lab/systemd, with the module that mptfix has built for it, as a disk's image in `folder`. One that an
 * earlier run has left there serves again if nothing that goes into it has changed since.
 */
export async function makeGuest(lab: Lab, folder: string): Promise<Guest> {
  const { signal } = lab;
  const { machine } = lab.workspace;
  const demo = await lab.demo();
  const key = await keyOf(machine, demo.kernel.packageVersion);
  const note = join(folder, 'guest.json');
  const known = await readNote(note);
  if (known?.key === key) return { ...known.guest, signal };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const guest = await made(lab, folder);
  const { signal: _, ...kept } = guest;
  await writeFile(note, `${JSON.stringify({ key, guest: kept }, null, 2)}\n`);
  return guest;
}

async function made(lab: Lab, folder: string): Promise<Guest> {
  const { signal } = lab;
  const { machine } = lab.workspace;
  const demo = await lab.demo();
  const { release } = demo.kernel;
  say(
    'building a Debian guest with systemd and the affected driver, and the patched module for it (a minute)',
  );
  const [tree, output, image] = ['tree', 'output', 'guest.img'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await makeTree(machine, tree, demo, signal);
  const headers = `${demo.guest}/usr/src/linux-headers-${release}`;
  const argv = ['build', '--root', tree, '--source', demo.source, '--headers', headers, '--no-cache'];
  await lab.mptfix([...argv, '--output', output, '--json']);
  await addPower(tree, output);
  await copyFile(join(import.meta.dirname, '../reboot/writes.sh'), join(tree, 'opt/lab/writes.sh'));
  await makeImage(machine, tree, image, signal);
  const drivers = await driversOf(tree, release, join(output, 'mptscsih.ko'));
  await rm(tree, { recursive: true });
  return { image, boot: await bootFiles(machine, image, release, folder), release, drivers, folder, signal };
}

interface Note {
  readonly key: string;
  readonly guest: Omit<Guest, 'signal'>;
}

function readNote(path: string): Promise<Note | undefined> {
  return readFile(path, 'utf8').then(
    (text) => JSON.parse(text) as Note,
    () => undefined,
  );
}

const PARTS_OF_IT = [
  ...['guest.sh', 'guest-image.ts', 'install.ts', 'machine.ts'].map((name) => `lab/power/${name}`),
  ...['lab/systemd/tree.ts', 'lab/reboot/writes.sh'],
];

/** Of all that goes into a guest and into the machine that is saved with it. */
async function keyOf(machine: Target, packageVersion: string): Promise<string> {
  const root = packageRoot();
  const bundled = (await readdir(join(root, 'dist'), { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => `dist/${name}`);
  const paths = [...PARTS_OF_IT, ...bundled.sort()];
  const sums = await Promise.all(paths.map(async (path) => sha256(await readFile(join(root, path)))));
  const qemu = await machine.run(['qemu-system-x86_64', '--version'], { effect: 'read' });
  return sha256(JSON.stringify([packageVersion, qemu.stdout.toString('utf8'), paths, sums]));
}
