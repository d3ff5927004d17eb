import { editText } from '../../build/fit-loader.ts';
import { generationFolder } from '../../install/generations.ts';
import type { Manifest } from '../../install/manifest.ts';
import { typed } from '../../typed.ts';
import { columns, style } from '../../ui/output.ts';
import { printable, printablePage } from '../../ui/printable.ts';
import { verbatim } from '../../ui/wrap.ts';
import { kernelText, warningLines } from '../plan/page.ts';

/** What was done, with its proofs and how to undo it. */
export function applyPage(manifest: Manifest): string {
  const { module, artifact, generation, kernel } = manifest;
  return [
    style('green', printable(`patched: ${module.path}`)),
    '',
    columns([
      ['kernel', kernelText(kernel)],
      ['before', `sha256 ${module.before.sha256}`],
      ['after', `sha256 ${module.after.sha256}`],
      ['vermagic', artifact.vermagic],
      ['source', `${artifact.source.origin}, ${artifact.source.file}`],
    ]),
    ...artifactLines(artifact),
    ...warningLines(manifest.warnings),
    '',
    `generation ${generation} is kept in ${generationFolder(generation)}`,
    `undo with: ${typed('rollback')}`,
  ].join('\n');
}

/** The diff and the proofs of what was built. */
export function artifactLines({
  patch,
  edits,
  proofs,
}: Pick<Manifest['artifact'], 'patch' | 'edits' | 'proofs'>): readonly string[] {
  return [
    ...(patch === null
      ? []
      : [
          '',
          printable(`patch ${patch.name} (${patch.origin}):`),
          '',
          verbatim(printablePage(patch.diff.trimEnd())),
        ]),
    '',
    ...edits.map((edit) => printable(editText(edit))),
    ...proofs.map(
      ({ name, ok, detail }) =>
        `${ok ? 'proved' : style('yellow', 'WAIVED')}  ${printable(`${name}: ${detail}`)}`,
    ),
  ];
}
