import { join } from 'node:path';
import type { Signer } from '../build-options.ts';
import { readElf } from '../elf/elf.ts';
import { type ModuleSignature, moduleSignature } from '../elf/signature.ts';
import { failure } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Target } from '../machine/port.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { versionOrder } from '../versions/kernel-base.ts';
import type { Workspace } from '../work/workspace.ts';
import type { ProofResult } from './proof.ts';

const MARKER = Buffer.from('~Module signature appended~\n', 'latin1');
/** `struct module_signature`: eight bytes, of which only id_type is set, and the length. Source: include/linux/module_signature.h. */
const STRUCT_BYTES = 12;
const ID_TYPE_AT = 2;
const LENGTH_AT = 8;
const PKEY_ID_PKCS7 = 2;

/** The kernel that first took PKCS#7; those before had a form of their own. Source: kernel commit 3f1e1bea3474. */
const FIRST_WITH_PKCS7 = '4.3';

/** What CONFIG_MODULE_SIG_HASH may name (kernel/module/Kconfig), which openssl's -md calls the same. */
const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512'] as const;

const NEXT_KEY =
  'check that --sign-key and --sign-cert name a readable key without a passphrase and its own certificate';

/** The kernel for which a module is signed, as its own module and its build folder describe it. */
interface SigningKernel {
  /** The module that is replaced: its signature shows the form that the kernel takes. */
  readonly shipped: Uint8Array;
  /** VERSION.PATCHLEVEL.SUBLEVEL, and the text of `.config`. */
  readonly version: string;
  readonly config: string;
}

/**
 * Signs an unpacked module as the kernel's scripts/sign-file does, by openssl's CMS, and verifies the result against
 * the certificate. No program of the headers takes part: they are foreign data, and would read the key. The key is read
 * by this process's user alone and appears in no log.
 * Throws E_TOOLS_MISSING; E_SIGN where the key does not fit or the kernel takes another form of signature.
 */
export async function signModule(
  workspace: Pick<Workspace, 'machine' | 'own'>,
  bytes: Uint8Array,
  kernel: SigningKernel,
  signer: Signer,
): Promise<{ readonly bytes: Buffer; readonly proof: ProofResult }> {
  const { machine } = workspace;
  const hash = signatureHash(kernel);
  await requireTools(machine, [TOOLS.openssl]);
  const folder = workspace.own('sign');
  await machine.mkdir(folder, 0o700);
  const content = join(folder, 'content');
  await machine.write(content, bytes, { mode: 0o600 });
  const files = { folder, content, certificate: await asPem(machine, folder, signer.certificate) };
  const signature = await sign(machine, files, signer.key, hash);
  const complaint = await complaintAbout(machine, files);
  const proof: ProofResult = {
    name: 'signature',
    ok: complaint === undefined,
    detail: complaint ?? `${hash}, made with the key of ${signer.certificate}, verified against it`,
  };
  return { bytes: Buffer.concat([bytes, signature, trailer(signature.length)]), proof };
}

/** Throws E_SIGN where key or certificate is not there, or, where the kernel is known, takes no such signature. */
export async function requireSignable(
  machine: Pick<Target, 'stat'>,
  { key, certificate }: Signer,
  kernel: SigningKernel | undefined,
): Promise<void> {
  for (const path of [key, certificate]) {
    if ((await machine.stat(path))?.type === 'file') continue;
    throw failure('E_SIGN', `there is no file ${path}`, NEXT_KEY);
  }
  if (kernel !== undefined) signatureHash(kernel);
}

/** The hash that the kernel's own build signs with. Throws E_SIGN where the kernel takes no PKCS#7, or names no hash that is known. */
function signatureHash({ shipped, version, config }: SigningKernel): string {
  const theirs = moduleSignature(readElf(shipped));
  if (theirs === undefined ? versionOrder(version, FIRST_WITH_PKCS7) < 0 : !isPkcs7(theirs)) {
    const form =
      theirs === undefined
        ? `kernels before ${FIRST_WITH_PKCS7} do not take PKCS#7`
        : `the guest’s module has a signature of another form (${theirs.idType}, ${theirs.place})`;
    throw failure(
      'E_SIGN',
      `mptfix signs with PKCS#7, and ${form}`,
      'leave out --sign-key and --sign-cert, and sign the built module with the tool of that kernel',
    );
  }
  const named = /^CONFIG_MODULE_SIG_HASH="([^"]*)"/m.exec(config)?.[1] ?? 'sha256';
  const hash = HASHES.find((known) => known === named);
  if (hash !== undefined) return hash;
  throw failure(
    'E_SIGN',
    `the kernel’s .config names a signature hash that mptfix does not know: ${JSON.stringify(named)}`,
    'check CONFIG_MODULE_SIG_HASH in the headers’ .config',
  );
}

function isPkcs7({ place, idType }: ModuleSignature): boolean {
  return place === 'appended' && idType === 'PKCS#7';
}

/** Where the parts are: the module without a signature, and the certificate as PEM. */
interface SigningFiles {
  readonly folder: string;
  readonly content: string;
  readonly certificate: string;
}

/** A detached signature without attributes and certificates, in DER. Source: the CMS flags in scripts/sign-file.c. */
async function sign(machine: Target, files: SigningFiles, key: string, hash: string): Promise<Buffer> {
  const result = await machine.run(
    [
      ...(['openssl', 'cms', '-sign', '-binary', '-noattr', '-nocerts', '-nosmimecap'] as const),
      ...['-md', hash, '-signer', files.certificate, '-inkey', key],
      // An empty passphrase: a key that needs one must not make openssl wait at a terminal.
      ...['-passin', 'pass:'],
      ...['-outform', 'DER', '-in', files.content, '-out', signatureFile(files)],
    ],
    { effect: 'write' },
  );
  if (result.status === 0) return machine.read(signatureFile(files), LIMITS.textBytes);
  throw failure('E_SIGN', `openssl could not sign: ${lastLine(result.stderr)}`, NEXT_KEY);
}

function signatureFile({ folder }: SigningFiles): string {
  return join(folder, 'signature');
}

function trailer(length: number): Buffer {
  const struct = Buffer.alloc(STRUCT_BYTES);
  struct.writeUInt8(PKEY_ID_PKCS7, ID_TYPE_AT);
  struct.writeUInt32BE(length, LENGTH_AT);
  return Buffer.concat([struct, MARKER]);
}

/** Why openssl does not take the signature for one by the certificate's key; undefined: it does. */
async function complaintAbout(machine: Target, files: SigningFiles): Promise<string | undefined> {
  const verify = ['openssl', 'cms', '-verify', '-binary', '-inform', 'DER', '-noverify'] as const;
  const inputs = ['-in', signatureFile(files), '-content', files.content, '-certfile', files.certificate];
  const result = await machine.run([...verify, ...inputs, '-out', '/dev/null'], { effect: 'read' });
  return result.status === 0 ? undefined : `openssl does not verify it: ${lastLine(result.stderr)}`;
}

/** sign-file takes DER too; openssl's -signer and -certfile want PEM. */
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
