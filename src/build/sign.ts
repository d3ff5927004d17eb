import { join } from 'node:path';
import type { Signer } from '../build-options.ts';
import { readElf } from '../elf/elf.ts';
import { moduleSignature } from '../elf/signature.ts';
import { failure } from '../errors.ts';
import type { Headers } from '../kernel-source/headers.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import type { Workspace } from '../work/workspace.ts';
import type { ProofResult } from './proof.ts';

/** The trailer behind a signature: struct module_signature and the marker. Source: include/linux/module_signature.h. */
const TRAILER_BYTES = 12 + '~Module signature appended~\n'.length;

/**
 * Signs an unpacked module with the kernel's own scripts/sign-file of the build folder, and verifies the result against
 * the certificate with openssl. The key is read by this process's user alone and appears in no log.
 * Throws E_TOOLS_MISSING, E_SIGN.
 */
export async function signModule(
  workspace: Pick<Workspace, 'machine' | 'own'>,
  bytes: Uint8Array,
  headers: Pick<Headers, 'folder' | 'config'>,
  signer: Signer,
): Promise<{ readonly bytes: Buffer; readonly proof: ProofResult }> {
  const { machine } = workspace;
  const folder = workspace.own('sign');
  await requireTools(machine, [TOOLS.openssl]);
  const program = join(headers.folder, 'scripts/sign-file');
  if ((await machine.stat(program)) === undefined) {
    throw failure(
      'E_SIGN',
      `${headers.folder} has no scripts/sign-file`,
      'give --headers the build folder of a kernel with signed modules',
    );
  }
  const hash = /^CONFIG_MODULE_SIG_HASH="(\w+)"/m.exec(headers.config)?.[1] ?? 'sha256';
  await machine.mkdir(folder, 0o700);
  const file = join(folder, 'module.ko');
  await machine.write(file, bytes, { mode: 0o600 });
  const result = await machine.run([program, hash, signer.key, signer.certificate, file], {
    effect: 'write',
  });
  if (result.status !== 0) {
    throw failure(
      'E_SIGN',
      `sign-file failed: ${lastLine(result.stderr)}`,
      'check that --sign-key and --sign-cert name a readable key and its own certificate',
    );
  }
  const signed = await machine.read(file);
  const complaint = await complaintAbout(machine, folder, signed, signer.certificate);
  const proof: ProofResult = {
    name: 'signature',
    ok: complaint === undefined,
    detail: complaint ?? `${hash}, made with the key of ${signer.certificate}, verified against it`,
  };
  return { bytes: signed, proof };
}

/** Why openssl does not take the signature for one by the certificate's key; undefined: it does. */
async function complaintAbout(
  machine: Target,
  folder: string,
  signed: Buffer,
  certificate: string,
): Promise<string | undefined> {
  const signature = moduleSignature(readElf(signed));
  if (signature === undefined) return 'sign-file has appended no signature';
  const [content, trailer] = [join(folder, 'content'), join(folder, 'signature')];
  const end = signature.unsignedLength;
  await machine.write(content, signed.subarray(0, end), { mode: 0o600 });
  await machine.write(trailer, signed.subarray(end, signed.length - TRAILER_BYTES), { mode: 0o600 });
  const files = ['-in', trailer, '-content', content, '-certfile', await asPem(machine, folder, certificate)];
  const verify = ['openssl', 'cms', '-verify', '-binary', '-inform', 'DER', '-noverify'] as const;
  const result = await machine.run([...verify, ...files, '-out', '/dev/null'], { effect: 'read' });
  return result.status === 0 ? undefined : `openssl does not verify it: ${lastLine(result.stderr)}`;
}

/** sign-file takes DER too; openssl's -certfile wants PEM. */
async function asPem(machine: Target, folder: string, certificate: string): Promise<string> {
  const pem = join(folder, 'certificate.pem');
  const der = await machine.run(['openssl', 'x509', '-inform', 'DER', '-in', certificate, '-out', pem], {
    effect: 'write',
  });
  return der.status === 0 ? pem : certificate;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
