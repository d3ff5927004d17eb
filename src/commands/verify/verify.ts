import { resolve } from 'node:path';
import { readInstaller } from '../../bundle/installer.ts';
import { packBundle } from '../../bundle/pack.ts';
import { type ReadBundle, readBundle } from '../../bundle/read.ts';
import { NAMESPACE, type SignatureFiles, verifySignature } from '../../bundle/signature.ts';
import { EXIT_STATUS, failure, isFailure } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { LIMITS } from '../../limits.ts';
import type { Target } from '../../machine/port.ts';
import { localTarget } from '../../machine/tree.ts';
import { printResult, type View } from '../../ui/output.ts';
import type { VerifyResult } from './document.ts';
import { verifyPage } from './page.ts';

export interface VerifyOptions extends View {
  readonly signature?: string;
  readonly signers?: string;
  readonly identity?: string;
}

/** `mptfix verify`: what a bundle holds and who has signed it. It is read, and never run; nothing is written. */
export async function verify(bundle: string, options: VerifyOptions): Promise<number> {
  if (options.identity !== undefined && options.signers === undefined) {
    throw failure(
      'E_USAGE',
      '--identity names one of the signers, and there is no --signers',
      'give --signers the file that lists them',
    );
  }
  const machine = localTarget({ dryRun: true });
  const file = resolve(bundle);
  const bytes = await readFileOf(machine, file);
  const read = readBundle(bytes);
  const signature = await signatureOf(machine, file, options);
  const signed = signature === undefined ? undefined : await verifySignature(machine, bytes, signature);
  const { content, statement } = read;
  const { kernel, architecture, module, tool } = content;
  const result: VerifyResult = {
    schema: 'mptfix.verify/1',
    result: signed === undefined ? 'unsigned' : signed.identity === null ? 'unvouched' : 'verified',
    bundle: { file, sha256: sha256(bytes), size: bytes.length },
    kernel,
    architecture,
    module: {
      name: module.name,
      sha256: sha256(content.bytes),
      replaces: { path: module.path, sha256: module.sha256 },
    },
    tool,
    installer: await installerOf(bytes, read),
    signature:
      signature === undefined || signed === undefined
        ? null
        : { file: signature.signature, namespace: NAMESPACE, ...signed },
    statement,
  };
  printResult(options, result, verifyPage(result));
  // Without somebody who vouches, it is not known to be the file that was built.
  return result.result === 'verified' ? 0 : EXIT_STATUS.E_CANNOT_DECIDE;
}

/** What is there and is no file, or no file of that size, is no bundle either. */
async function readFileOf(machine: Target, file: string): Promise<Buffer> {
  try {
    return await machine.read(file, LIMITS.bundleBytes);
  } catch (error) {
    if (!isFailure(error) || error.failure.code !== 'E_FILE_UNSAFE') throw error;
    throw failure(
      'E_BUNDLE',
      `this is no bundle: ${error.failure.what}`,
      'name the .run file that build wrote',
      {
        cause: error,
      },
    );
  }
}

/** Undefined where there is none to look at. */
async function signatureOf(
  machine: Target,
  file: string,
  { signature, signers, identity }: VerifyOptions,
): Promise<SignatureFiles | undefined> {
  const path = resolve(signature ?? `${file}.sig`);
  const list = signers === undefined ? undefined : resolve(signers);
  // A device or a FIFO in their place would make ssh-keygen wait.
  if (list !== undefined) await machine.read(list, LIMITS.textBytes);
  if (signature === undefined && (await machine.lstat(path)) === undefined) {
    if (list === undefined) return undefined;
    throw failure(
      'E_SIGNATURE',
      `the bundle has no signature: there is no ${path}`,
      'give --signature its file; without one nobody vouches for the bundle',
    );
  }
  await machine.read(path, LIMITS.textBytes);
  return { signature: path, signers: list, identity };
}

/** Whether the sh in it is what this version would write: an own signature needs no such look, but a person may want it. */
async function installerOf(bytes: Buffer, { content }: ReadBundle): Promise<VerifyResult['installer']> {
  return packBundle(content, await readInstaller()).equals(bytes) ? 'same' : 'other';
}
