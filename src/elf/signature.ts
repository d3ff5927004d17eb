import type { ElfFile } from './elf.ts';
import { sectionNamed } from './sections.ts';
import { asBuffer, latin1 } from './view.ts';

/** A module's signature, as far as it can be read without verifying it. */
export interface ModuleSignature {
  /** Behind the ELF file (3.7 and later), or in a section of it (RHEL 5 and 6 and their derivatives). */
  readonly place: 'appended' | 'section';
  readonly idType: 'PGP' | 'X509' | 'PKCS#7' | 'unknown';
  /** The signing certificate's issuer (its common name), where the signature names it. */
  readonly signer: string | undefined;
  readonly hash: string | undefined;
  /** Bytes of the module without its signature: the part to compare and to sign again. */
  readonly unsignedLength: number;
}

const MAGIC = Buffer.from('~Module signature appended~\n', 'latin1');
const STRUCT = 12;
const ID_TYPES = ['PGP', 'X509', 'PKCS#7'] as const;
/** The kernel's enum pkey_hash_algo of 3.7 to 4.2, used where the signature is not PKCS#7. */
const OLD_HASHES = ['md4', 'md5', 'sha1', 'rmd160', 'sha256', 'sha384', 'sha512', 'sha224'] as const;
/** DER of the digests' object identifiers, RFC 5754 and RFC 3370. */
const HASH_OIDS: readonly (readonly [string, string])[] = [
  ['0609608648016503040201', 'sha256'],
  ['0609608648016503040202', 'sha384'],
  ['0609608648016503040203', 'sha512'],
  ['0609608648016503040208', 'sha3-256'],
  ['0609608648016503040209', 'sha3-384'],
  ['060960864801650304020a', 'sha3-512'],
  ['06052b0e03021a', 'sha1'],
];

/**
 * The signature at the end of a module's uncompressed bytes; undefined where there is none or where its lengths do
 * not add up. Layout: `struct module_signature` in the kernel's include/linux/module_signature.h, whose fields are
 * algo, hash, id_type, signer_len, key_id_len, three bytes of padding and a big-endian sig_len.
 */
export function appendedSignature(bytes: Uint8Array): ModuleSignature | undefined {
  const file = asBuffer(bytes);
  const structAt = file.length - MAGIC.length - STRUCT;
  if (structAt < 0 || !file.subarray(file.length - MAGIC.length).equals(MAGIC)) return undefined;
  const signerLength = file.readUInt8(structAt + 3);
  const keyLength = file.readUInt8(structAt + 4);
  const length = file.readUInt32BE(structAt + 8);
  const unsignedLength = structAt - length - keyLength - signerLength;
  if (unsignedLength < 0) return undefined;
  const idType = ID_TYPES[file.readUInt8(structAt + 2)] ?? 'unknown';
  const der = file.subarray(structAt - length, structAt);
  const stated =
    signerLength > 0 ? latin1(file.subarray(unsignedLength, unsignedLength + signerLength)) : undefined;
  return {
    place: 'appended',
    idType,
    signer: stated ?? commonName(der),
    hash: idType === 'PKCS#7' ? hashOf(der) : OLD_HASHES[file.readUInt8(structAt + 1)],
    unsignedLength,
  };
}

/** Any signature of a module: appended, or the `.module_sig` section of RHEL 5 and 6. */
export function moduleSignature(elf: ElfFile): ModuleSignature | undefined {
  const appended = appendedSignature(elf.bytes);
  if (appended !== undefined) return appended;
  if (sectionNamed(elf, '.module_sig') === undefined) return undefined;
  const unsignedLength = elf.bytes.length;
  return { place: 'section', idType: 'PGP', signer: undefined, hash: undefined, unsignedLength };
}

/**
 * The first common name (2.5.4.3) in the DER. The kernel's sign-file leaves certificates out, so that the only name
 * is the issuer of the one that signed.
 */
function commonName(der: Buffer): string | undefined {
  const at = der.indexOf(Buffer.from('0603550403', 'hex'));
  const length = at < 0 ? undefined : der[at + 6];
  if (length === undefined || length > 127 || at + 7 + length > der.length) return undefined;
  return der.toString('utf8', at + 7, at + 7 + length);
}

function hashOf(der: Buffer): string | undefined {
  return HASH_OIDS.find(([oid]) => der.includes(Buffer.from(oid, 'hex')))?.[1];
}
