import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BundleContent, bundleName } from '../../src/bundle/content.ts';
import { readInstaller } from '../../src/bundle/installer.ts';
import { packBundle } from '../../src/bundle/pack.ts';
import { NAMESPACE } from '../../src/bundle/signature.ts';
import { ARTIFACT } from '../faults/artifact.ts';

const RELEASE = '2.6.18-8.el5';

/** Of a module that is no module: nothing looks into it. */
export const CONTENT: BundleContent = {
  kernel: { release: RELEASE, base: '2.6.18', distro: 'RHEL 5', packageVersion: null },
  architecture: 'i386',
  module: {
    name: 'mptscsih',
    path: `/lib/modules/${RELEASE}/kernel/drivers/message/fusion/mptscsih.ko`,
    sha256: '0'.repeat(64),
  },
  bytes: Buffer.from('module'),
  artifact: ARTIFACT,
  reindex: false,
  tool: 'mptfix 0.0.0',
};

export const SIGNER = 'builder@example.com';

/** A bundle as a person gets it, each file in one folder. */
export interface SignedBundle {
  readonly bundle: string;
  readonly signature: string;
  /** The private key; its public one is beside it. */
  readonly key: string;
  readonly signers: string;
}

/** Puts a bundle into a folder, signed by ssh-keygen itself. */
export async function signedBundle(folder: string, content = CONTENT): Promise<SignedBundle> {
  const bundle = join(folder, bundleName(content));
  writeFileSync(bundle, packBundle(content, await readInstaller()));
  const key = makeKey(join(folder, 'key'));
  return { bundle, key, signature: sign(bundle, key), signers: allow(folder, key) };
}

export function makeKey(path: string, passphrase = ''): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]);
  return path;
}

/** Answers the signature's file, `FILE.sig`. */
export function sign(file: string, key: string, namespace: string = NAMESPACE): string {
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', namespace, file], { stdio: 'pipe' });
  return `${file}.sig`;
}

/** The file of allowed signers, with one line. */
function allow(folder: string, key: string): string {
  const path = join(folder, 'allowed_signers');
  const text = execFileSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' });
  writeFileSync(path, `${SIGNER} ${text}`);
  return path;
}
