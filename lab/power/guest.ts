import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { say } from '../../src/ui/output.ts';
import type { Lab } from '../part.ts';
import { makeTree } from '../systemd/tree.ts';
import { addPower, bootFiles, makeImage } from './guest-image.ts';
import { driversOf, type Guest } from './prepare.ts';

/** The guest of lab/systemd, with the module that mptfix has built for it. `name` is that of its files. */
export async function makeGuest(lab: Lab, name: string): Promise<Guest> {
  const { workspace, signal } = lab;
  const { machine } = workspace;
  const demo = await lab.demo();
  const { release } = demo.kernel;
  say(
    'building a Debian guest with systemd and the affected driver, and the patched module for it (a minute)',
  );
  const tree = workspace.at(`${name}-guest`);
  await makeTree(machine, tree, demo, signal);
  const output = workspace.at(`${name}-output`);
  const headers = `${demo.guest}/usr/src/linux-headers-${release}`;
  const argv = ['build', '--root', tree, '--source', demo.source, '--headers', headers, '--no-cache'];
  await lab.mptfix([...argv, '--output', output, '--json']);
  await addPower(tree, output);
  await copyFile(join(import.meta.dirname, '../reboot/writes.sh'), join(tree, 'opt/lab/writes.sh'));
  const image = workspace.at(`${name}.img`);
  await makeImage(machine, tree, image, signal);
  const folder = workspace.at(`${name}-machines`);
  await mkdir(folder);
  const drivers = await driversOf(tree, release, join(output, 'mptscsih.ko'));
  return { image, boot: await bootFiles(machine, image, release, folder), release, drivers, folder, signal };
}
