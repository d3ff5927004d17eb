import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { Header } from 'tar';
import type { ArtifactInfo } from '../artifact-info.ts';
import { failure } from '../errors.ts';
import type { KernelIdentity } from '../guest/document.ts';
import { sha256 } from '../hash.ts';
import { kernelRelease, moduleName } from '../names.ts';
import { shWord } from './sh-word.ts';
import { indexFiles, toolFunctions } from './tools.ts';

/** What one bundle installs. */
export interface BundleContent {
  readonly kernel: KernelIdentity;
  readonly architecture: 'x86_64' | 'i386';
  /** The module that is replaced: its name, its path on the guest, the hash of the file there. */
  readonly module: { readonly name: string; readonly path: string; readonly sha256: string };
  /** The new module, packed as the one that it replaces. */
  readonly bytes: Uint8Array;
  readonly artifact: ArtifactInfo;
  /** Whether a depmod would write another index for the new module. */
  readonly reindex: boolean;
  /** Name and version of what made it. */
  readonly tool: string;
}

/** As tar(5) and dd have it: with parts of this size an old dd finds the payload quickly. */
const BLOCK = 512;

/** The name of a bundle's file. */
export function bundleName({ module, kernel, architecture }: BundleContent): string {
  return `mptfix-${module.name}-${kernel.release}-${architecture}.run`;
}

/**
 * One file that `sh` runs on the guest: the installer, then a tar archive of the module and what is known of it. The same
 * content gives the same bytes. `installer` is the text of `readInstaller`. Throws E_OUTPUT where the module's path has
 * signs that the installer does not take.
 */
export function packBundle(content: BundleContent, installer: string): Buffer {
  const { kernel, bytes, artifact } = content;
  requirePlain(content);
  const payload = archive([
    ['module', bytes],
    ['kernel.json', Buffer.from(JSON.stringify(kernel))],
    ['artifact.json', Buffer.from(JSON.stringify(artifact))],
  ]);
  const textWith = (skip: number): string =>
    installer
      .replace(/^#@FACTS@$/m, () => facts(content, payload, skip))
      .replace(/^#@TOOLS@$/m, () => toolFunctions(kernel.release));
  // The number of blocks is part of what it counts.
  let skip = 0;
  for (let text = ''; ; skip = Math.ceil(Buffer.byteLength(text) / BLOCK)) {
    text = textWith(skip);
    if (Math.ceil(Buffer.byteLength(text) / BLOCK) !== skip) continue;
    const head = Buffer.alloc(skip * BLOCK, '\n');
    head.write(text);
    return Buffer.concat([head, payload]);
  }
}

function requirePlain({ kernel, module }: BundleContent): void {
  const isPlain =
    kernelRelease(kernel.release) !== undefined &&
    moduleName(module.name) !== undefined &&
    module.path.startsWith(`/lib/modules/${kernel.release}/`) &&
    /^(?:\/[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*)+$/.test(module.path) &&
    basename(module.path).startsWith(`${module.name}.`);
  if (isPlain) return;
  throw failure(
    'E_OUTPUT',
    `${JSON.stringify(module.path.slice(0, 200))} is no place of a module that a bundle can install to`,
    'build for a guest with --root, so that the path is that of its module tree',
  );
}

function facts(content: BundleContent, payload: Uint8Array, skip: number): string {
  const { kernel, architecture, module, bytes, artifact, reindex, tool } = content;
  const values: Readonly<Record<string, string | number>> = {
    RELEASE: kernel.release,
    ARCH: architecture,
    MODULE: module.name,
    MODULE_PATH: module.path,
    OLD_SHA256: module.sha256,
    NEW_SHA256: sha256(bytes),
    NEW_SIZE: bytes.length,
    AFFECTED: artifact.patch === null ? 0 : 1,
    REINDEX: reindex ? 1 : 0,
    INDEX_FILES: indexFiles(kernel.release).join(' '),
    TOOL: tool,
    PAYLOAD_SKIP: skip,
    PAYLOAD_BLOCKS: payload.length / BLOCK,
    PAYLOAD_SHA256: sha256(payload),
    PAYLOAD_SHA1: createHash('sha1').update(payload).digest('hex'),
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${shWord(String(value))}`);
  return [...lines, '#@END@'].join('\n');
}

/** Without times, owners and whatever else differs between two runs. */
function archive(files: readonly (readonly [name: string, content: Uint8Array])[]): Buffer {
  const parts = files.flatMap(([path, content]) => {
    const head = Buffer.alloc(BLOCK);
    new Header({
      path,
      size: content.length,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      type: 'File',
    }).encode(head);
    return [head, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
