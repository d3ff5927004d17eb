import { join } from 'node:path';
import { failure } from '../errors.ts';
import { type Compiled, stripDebug } from './compile.ts';
import { makeGoal, type TreeOptions } from './configure.ts';
import { type Files, layOut } from './lay-out.ts';

/**
 * The article's way to its end: `make modules` of the whole, configured tree, hours for a distro's configuration. Of all
 * that it makes, the one module is taken. A second call makes again only what another driver changes.
 * `folder` is the driver's, below the tree. Throws E_BUILD.
 */
export async function makeAllModules(
  options: TreeOptions,
  folder: string,
  module: string,
  files: Files,
): Promise<Compiled> {
  const { workspace, tree } = options;
  await layOut(workspace, join(tree, folder), files);
  const { command, log } = await makeGoal(options, 'modules');
  const output = join(tree, folder, `${module}.ko`);
  if ((await workspace.machine.lstat(output))?.type !== 'file') {
    throw failure(
      'E_BUILD',
      `make modules made no ${folder}/${module}.ko`,
      'see that the .config has CONFIG_FUSION=y and CONFIG_FUSION_SPI, _FC or _SAS as modules (--config)',
      { log: await workspace.keepLog('build', log) },
    );
  }
  await stripDebug(workspace, output);
  return { bytes: await workspace.machine.read(output), log, command };
}
