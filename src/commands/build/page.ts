import { basename } from 'node:path';
import { columns, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';
import { artifactLines } from '../apply/page.ts';
import { kernelText } from '../plan/page.ts';
import type { BuildResult } from './document.ts';

export function buildPage({ result, kernel, module, bundle, artifact }: BuildResult): string {
  const title =
    result === 'patched'
      ? `built: ${module.file}`
      : `built: ${module.file}; the source has no such branch, so this is the distro’s own module, rebuilt`;
  return [
    style('green', printable(title)),
    '',
    columns([
      ['kernel', kernelText(kernel)],
      ['sha256', module.sha256],
      ['replaces', `${module.replaces.path} (sha256 ${module.replaces.sha256})`],
      ...(bundle === null
        ? []
        : ([
            ['bundle', `${bundle.file} (sh ${basename(bundle.file)} --help, on a guest without Node)`],
          ] as const)),
      ...(bundle === null || bundle.signature === null
        ? []
        : ([
            ['signature', `${bundle.signature.file} (of ssh-keygen, for ${bundle.signature.namespace})`],
          ] as const)),
      ['vermagic', artifact.vermagic],
      ['source', `${artifact.source.origin}, ${artifact.source.file}`],
      ['compiler', artifact.compiler],
    ]),
    ...artifactLines(artifact),
  ].join('\n');
}
