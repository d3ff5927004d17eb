import type { ArtifactInfo } from '../../src/artifact-info.ts';

/** What a manifest says of a module that no build made: installing does not look at it. */
export const ARTIFACT: ArtifactInfo = {
  source: {
    origin: '/source',
    version: '6.1.9',
    file: 'mptscsih.c',
    sha256: '0'.repeat(64),
    patchedSha256: '1'.repeat(64),
  },
  headers: { origin: '/headers', version: '6.1.9', release: null },
  packages: [],
  patch: { name: 'mptscsih-busy', origin: 'stored', firstLine: 1, lastLine: 2, diff: '' },
  edits: [],
  compiler: 'gcc-12',
  toolchain: null,
  command: ['make'],
  unchanged: null,
  vermagic: '6.1.0-9-amd64',
  proofs: [],
};
