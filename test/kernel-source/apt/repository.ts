import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AptOptions, openApt } from '../../../src/kernel-source/apt/apt.ts';
import { rootTarget, treeTarget } from '../../../src/machine/tree.ts';
import { type Entries, put, sh, temporary, workspaceForTest } from '../../machine/temporary.ts';

export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  /** `all` where not given. */
  readonly architecture?: string;
  /** What it puts below /. */
  readonly files?: Entries;
}

/** A flat repository of real .debs that dpkg-deb has built, with an index that tells them truly. */
export async function repository(packages: readonly TestPackage[]): Promise<string> {
  const folder = await temporary();
  const stanzas: string[] = [];
  for (const { name, version, depends, files, architecture = 'all' } of packages) {
    const tree = await temporary({ ...files });
    const fields = [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      'Maintainer: nobody <none@example.invalid>',
      ...(depends === undefined ? [] : [`Depends: ${depends}`]),
      `Description: ${name} for a test`,
    ];
    await put(tree, { 'DEBIAN/control': `${fields.join('\n')}\n` });
    const file = `${name}_${version}_${architecture}.deb`;
    sh('dpkg-deb -Znone --root-owner-group --build "$1" "$2"', tree, join(folder, file));
    const bytes = readFileSync(join(folder, file));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    stanzas.push(
      [...fields, `Filename: ./${file}`, `Size: ${bytes.length}`, `SHA256: ${sha256}`, ''].join('\n'),
    );
  }
  writeFileSync(join(folder, 'Packages'), stanzas.join('\n'));
  return folder;
}

/** The private apt of a machine that names one archive: its own administrator may trust what is not signed. */
export async function aptOf(source: string, more: Entries = {}, options: AptOptions = {}) {
  const root = await temporary({ 'etc/apt/sources.list': `${source}\n`, ...more });
  const workspace = await workspaceForTest();
  const origin = treeTarget('local', root, 'this machine', { dryRun: true });
  return { workspace, apt: await openApt(workspace, origin, options) };
}

/** The private apt of a guest's tree. */
export async function aptOfTree(files: Entries) {
  const root = await temporary(files);
  const workspace = await workspaceForTest();
  return { root, workspace, apt: await openApt(workspace, rootTarget(root, { dryRun: true })) };
}

export function trusted(folder: string): string {
  return `deb [trusted=yes] file:${folder} ./`;
}
