import * as v from 'valibot';
import { artifactInfoSchema } from '../artifact-info.ts';
import { failure } from '../errors.ts';
import { kernelIdentitySchema } from '../guest/document.ts';
import { sha256 } from '../hash.ts';
import { type BundleContent, isPlain } from './content.ts';
import { BEGIN, type Facts, factLines } from './facts.ts';
import { BLOCK, writePayload } from './payload.ts';
import { portable } from './portable.ts';
import { statementOf, statementSchema } from './statement.ts';
import { indexFiles, toolFunctions } from './tools.ts';
import { type Hashes, wholeHashes } from './whole.ts';

/** Where the installer's text has the number of bytes of the file, and of what stands before the payload. */
const SIZE = '@SIZE@';
const HEAD = '@HEAD@';

/**
 * One file that `sh` runs on the guest: the installer, then a tar archive of the module and what is known of it. The same
 * content gives the same bytes. `installer` is the text of `readInstaller`. Throws E_OUTPUT where the module's path has
 * signs that the installer does not take.
 */
export function packBundle(given: BundleContent, installer: string): Buffer {
  const content = { ...given, artifact: portable(given.artifact) };
  const { kernel, bytes, artifact, module } = content;
  if (!isPlain(content)) {
    throw failure(
      'E_OUTPUT',
      `${JSON.stringify(module.path.slice(0, 200))} is no place of a module that a bundle can install to`,
      'build for a guest with --root, so that the path is that of its module tree',
    );
  }
  const payload = writePayload({
    module: bytes,
    'kernel.json': jsonBytes(kernelIdentitySchema, kernel),
    'artifact.json': jsonBytes(artifactInfoSchema, artifact),
    'statement.json': jsonBytes(statementSchema, statementOf(content)),
  });
  const textWith = (skip: number, hashes: Hashes): string =>
    installer
      .replace(SIZE, String(skip * BLOCK + payload.length))
      .replace(HEAD, String(skip * BLOCK))
      .replace(new RegExp(`^${BEGIN}$`, 'm'), () => factLines(facts(content, payload, skip, hashes)))
      .replace(/^#@TOOLS@$/m, () => toolFunctions(kernel.release));
  // The number of blocks is part of what it counts; the hashes are of a known length.
  const none: Hashes = { cksum: '0'.repeat(10), sha1: '0'.repeat(40), sha256: '0'.repeat(64) };
  let skip = 0;
  for (let text = ''; ; skip = blocks(text)) {
    text = textWith(skip, none);
    if (blocks(text) !== skip) continue;
    const head = (hashes: Hashes): string => asBytes(textWith(skip, hashes)).padEnd(skip * BLOCK, '\n');
    // Each is of what holds those before it.
    const { cksum } = wholeHashes(head(none), payload);
    const { sha1 } = wholeHashes(head({ ...none, cksum }), payload);
    const { sha256: best } = wholeHashes(head({ ...none, cksum, sha1 }), payload);
    return Buffer.concat([Buffer.from(head({ cksum, sha1, sha256: best }), 'latin1'), payload]);
  }
}

/** In the schema's order, whatever the order in which code has put it together. */
function jsonBytes(schema: v.GenericSchema, document: unknown): Buffer {
  return Buffer.from(JSON.stringify(v.parse(schema, document)));
}

/** A character for each byte. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function blocks(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BLOCK);
}

function facts(content: BundleContent, payload: Uint8Array, skip: number, hashes: Hashes): Facts {
  const { kernel, architecture, module, bytes, artifact, reindex, tool } = content;
  return {
    RELEASE: kernel.release,
    ARCH: architecture,
    MODULE: module.name,
    MODULE_PATH: module.path,
    OLD_SHA256: module.sha256,
    NEW_SHA256: sha256(bytes),
    NEW_SIZE: String(bytes.length),
    AFFECTED: artifact.patch === null ? '0' : '1',
    REINDEX: reindex ? '1' : '0',
    INDEX_FILES: indexFiles(kernel.release).join(' '),
    TOOL: tool,
    PAYLOAD_SKIP: String(skip),
    PAYLOAD_BLOCKS: String(payload.length / BLOCK),
    PAYLOAD_SHA256: sha256(payload),
    SELF_CKSUM: hashes.cksum,
    SELF_SHA1: hashes.sha1,
    SELF_SHA256: hashes.sha256,
  };
}
