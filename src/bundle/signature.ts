import { type FailureError, failure } from '../errors.ts';
import type { TargetReads } from '../machine/port.ts';
import type { RunResult } from '../machine/program.ts';
import { requireTools, TOOLS } from '../machine/tools.ts';
import { typedShell } from '../typed.ts';

/*
 * Signatures of bundles, made and verified by the system's ssh-keygen in OpenSSH's own format (PROTOCOL.sshsig), so that
 * an admin can verify one without mptfix. ssh-keygen gets PATH, the locale and the ssh-agent's socket, and no terminal: a
 * key with a passphrase is one for the agent.
 */

/** What it is a signature for, in OpenSSH's form NAMESPACE@DOMAIN (ssh-keygen(1)): one for anything else does not count. */
export const NAMESPACE = 'bundle@mptfix';
/** To see whether a key signs at all; no verifier takes it. */
const PROBE = 'probe@mptfix';

/** A person may have to touch a key, or to say yes to the agent. */
const SIGN_MS = 120_000;
const VERIFY_MS = 120_000;
const MARK = '-----BEGIN SSH SIGNATURE-----\n';

type Machine = Pick<TargetReads, 'findProgram' | 'run' | 'stat' | 'readRange'>;

/** Signs bytes; answers the signature as the file beside the bundle holds it. Throws E_SIGN. */
export type Sign = (bytes: Uint8Array) => Promise<Buffer>;

/**
 * A signer with a private key's file, or the public one of a key that the agent holds. It signs something at once, so that
 * a key that cannot is found out before minutes of work: E_SIGN_KEY, E_TOOLS_MISSING.
 */
export async function openSigner(machine: Machine, key: string, signal?: AbortSignal): Promise<Sign> {
  await requireTools(machine, [TOOLS.sshKeygen]);
  await requireKey(machine, key);
  const sign = (bytes: Uint8Array, namespace: string): Promise<RunResult> =>
    machine.run(['ssh-keygen', '-Y', 'sign', '-q', '-f', key, '-n', namespace], {
      effect: 'read',
      env: agent(),
      input: bytes,
      timeoutMs: SIGN_MS,
      signal,
    });
  const probe = await sign(Buffer.from('mptfix\n'), PROBE);
  if (!isSignature(probe)) throw keyProblem(key, probe);
  return async (bytes) => {
    const result = await sign(bytes, NAMESPACE);
    if (isSignature(result)) return result.stdout;
    throw failure(
      'E_SIGN',
      `ssh-keygen could not sign the bundle: ${lastLine(result)}`,
      'see that the key and its ssh-agent are still there, then run the same command again',
    );
  };
}

async function requireKey(machine: Machine, key: string): Promise<void> {
  const found = await machine.stat(key);
  const isFile = found?.type === 'file';
  if (!isFile) {
    throw failure(
      'E_SIGN_KEY',
      found === undefined ? `there is no key ${key}` : `${key} is no key: it is not a file`,
      `give --sign-bundle the file of a key, such as one of ${typedShell(['ssh-keygen', '-t', 'ed25519', '-f', key])}`,
    );
  }
  const beginning = (await machine.readRange(key, 0, 11)).toString('latin1');
  // A public key is open to all; of a private one that was, anybody may have a copy.
  if (beginning === '-----BEGIN ' && (found.mode & 0o077) !== 0) {
    throw failure(
      'E_SIGN_KEY',
      `others may read the private key ${key}, or write to it`,
      `take a key that nobody else has had, and close it: ${typedShell(['chmod', '600', key])}`,
    );
  }
}

function keyProblem(key: string, result: RunResult): FailureError {
  if (isTooOld(result)) return tooOld();
  if (hasNotRun(result)) return notRun(result);
  if (/passphrase/i.test(result.stderr)) {
    return failure(
      'E_SIGN_KEY',
      `the key ${key} has a passphrase, and no ssh-agent holds it`,
      `${typedShell(['ssh-add', key])}, then run the same command again`,
    );
  }
  return failure(
    'E_SIGN_KEY',
    `ssh-keygen cannot sign with ${key}: ${lastLine(result)}`,
    `give --sign-bundle a private key of ssh-keygen, or the public one of a key that ${typedShell(['ssh-add', '-L'])} lists`,
  );
}

/** Who has signed. */
export interface Signed {
  /** The key as ssh-keygen prints it, such as `ED25519 key SHA256:…`; null where it does not. */
  readonly key: string | null;
  /** The name by which the allowed signers know the key; null where nobody was asked: then nobody vouches for it. */
  readonly identity: string | null;
}

/** What a signature is held against. */
export interface SignatureFiles {
  readonly signature: string;
  /** allowed_signers of ssh-keygen(1); undefined: only whether the signature fits the bytes. */
  readonly signers: string | undefined;
  /** The name that must have signed; undefined: whoever of them. */
  readonly identity: string | undefined;
}

/** Throws E_SIGNATURE where the signature is not of these bytes, for a bundle, by one of the signers; E_TOOLS_MISSING. */
export async function verifySignature(
  machine: Machine,
  bytes: Uint8Array,
  { signature, signers, identity }: SignatureFiles,
): Promise<Signed> {
  await requireTools(machine, [TOOLS.sshKeygen]);
  const keygen = async (...words: readonly string[]): Promise<RunResult> => {
    const options = { effect: 'read', input: bytes, timeoutMs: VERIFY_MS } as const;
    const result = await machine.run(['ssh-keygen', '-Y', ...words, '-s', signature], options);
    if (isTooOld(result)) throw tooOld();
    if (hasNotRun(result)) throw notRun(result);
    return result;
  };
  const check = await keygen('check-novalidate', '-n', NAMESPACE);
  if (check.status !== 0) throw wrong(`${signature} is no signature of this bundle: ${lastLine(check)}`);
  const key = / with (\S+ key \S+)\s*$/m.exec(String(check.stdout))?.[1] ?? null;
  if (signers === undefined) return { key, identity: null };
  const names = identity === undefined ? await principals(keygen, signers) : [identity];
  for (const name of names) {
    const { status } = await keygen('verify', '-f', signers, '-I', name, '-n', NAMESPACE);
    if (status === 0) return { key, identity: name };
  }
  const who =
    identity === undefined ? 'none of the signers' : `not ${JSON.stringify(identity.slice(0, 200))}`;
  throw wrong(`${who} in ${signers} has signed this bundle, but ${key ?? 'another key'}`);
}

/** The names of a key, each a line; OpenSSH before 9.1 gave those of one line with commas between them. */
async function principals(
  keygen: (...words: readonly string[]) => Promise<RunResult>,
  signers: string,
): Promise<readonly string[]> {
  const { status, stdout } = await keygen('find-principals', '-f', signers);
  return status === 0
    ? String(stdout)
        .split(/[\n,]/)
        .filter((name) => name !== '')
    : [];
}

function wrong(what: string): FailureError {
  return failure(
    'E_SIGNATURE',
    what,
    'do not run the bundle; get it and its signature once more from whoever built it',
  );
}

function isSignature({ status, stdout }: RunResult): boolean {
  return status === 0 && stdout.subarray(0, MARK.length).toString('latin1') === MARK;
}

/** OpenSSH 8.0 brought -Y; 8.2 gave it the form of today. */
function isTooOld({ stderr }: RunResult): boolean {
  return /(?:unknown|illegal|invalid) option|unsupported operation for -Y|^usage: ssh-keygen/im.test(stderr);
}

function tooOld(): FailureError {
  return failure(
    'E_TOOLS_MISSING',
    'this machine’s ssh-keygen does not know bundles’ signatures',
    'install OpenSSH 8.2 or newer',
  );
}

/** A signature that nothing looked at is not a wrong one. What ssh-keygen itself finds wrong ends with 255. */
function hasNotRun({ status, stderr }: RunResult): boolean {
  return status === 127 || (status > 128 && status < 200) || /^No user exists for uid/m.test(stderr);
}

function notRun(result: RunResult): FailureError {
  return failure(
    'E_TOOLS_MISSING',
    `ssh-keygen cannot do its work here: ${lastLine(result)}`,
    'run the same command again, as a user that this machine knows; see that its ssh-agent answers',
  );
}

/** Nothing of the caller's but where the agent listens. */
function agent(): Readonly<Record<string, string>> {
  const { SSH_AUTH_SOCK = '' } = process.env;
  return SSH_AUTH_SOCK === '' ? {} : { SSH_AUTH_SOCK };
}

function lastLine({ stderr, stdout, status }: RunResult): string {
  const text = stderr.trim() || String(stdout).trim();
  return text.split('\n').at(-1)?.trim() || `it ended with status ${status}`;
}
