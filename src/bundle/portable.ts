import type { ArtifactInfo } from '../artifact-info.ts';

/** In the place of a path of the building machine. */
const PATH = 'PATH';

/**
 * What an artifact was built from, without what is the building machine's own: where its files and trees were, how many
 * processors it had. So the same inputs give the same bundle anywhere. What the files were, their hashes say; the
 * `manifest.json` beside the bundle says where they were, too.
 */
export function portable(artifact: ArtifactInfo): ArtifactInfo {
  const { source, headers, toolchain, command, proofs } = artifact;
  return {
    ...artifact,
    source: { ...source, origin: withoutPlaces(source.origin) },
    headers: { ...headers, origin: withoutPlaces(headers.origin) },
    toolchain: toolchain === null ? null : { ...toolchain, origin: withoutPlaces(toolchain.origin) },
    command: command.filter((word) => !/^-j\d*$/.test(word)).map(withoutPlaces),
    proofs: proofs.map((proof) => ({ ...proof, detail: withoutPlaces(proof.detail) })),
  };
}

/** Without absolute paths; those of a guest's tree, `/mnt/guest:/usr/src`, are two of them. */
function withoutPlaces(text: string): string {
  return text.replace(/(?<![\w.~+/-])\/[^\s'",;()=]+/g, PATH);
}
