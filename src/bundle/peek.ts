import { failure } from '../errors.ts';
import { kernelRelease, moduleName } from '../names.ts';

/** What a bundle says of itself, as far as who sends it to a guest needs it. */
export interface BundleHead {
  readonly release: string;
  readonly module: {
    readonly name: string;
    readonly path: string;
    /** SHA-256 of the module that it replaces, and of the one in it. */
    readonly before: string;
    readonly after: string;
  };
}

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Reads the head of a bundle as data, without a shell. Throws E_USAGE where it is none; whether the rest of it is whole the
 * bundle itself says, before anything else.
 */
export function readHead(bytes: Buffer, file: string): BundleHead {
  const head = bytes.subarray(0, 64 * 1024).toString('latin1');
  const facts = head.slice(0, Math.max(0, head.indexOf('\n#@END@\n')));
  const value = (name: string): string => {
    const found = [...facts.matchAll(new RegExp(`^${name}='([A-Za-z0-9._+~/-]*)'$`, 'gm'))];
    return found.length === 1 ? (found[0]?.[1] ?? '') : '';
  };
  const release = kernelRelease(value('RELEASE'));
  const name = moduleName(value('MODULE'));
  const path = value('MODULE_PATH');
  const before = value('OLD_SHA256');
  const after = value('NEW_SHA256');
  const isBundle =
    head.startsWith('#!/bin/sh\n') && path.startsWith(`/lib/modules/${release}/`) && !path.includes('/../');
  if (
    !isBundle ||
    release === undefined ||
    name === undefined ||
    !SHA256.test(before) ||
    !SHA256.test(after)
  ) {
    throw failure(
      'E_USAGE',
      `${file} is no bundle: mptfix has not written it`,
      'give --bundle the file that ends in .run, in the folder that --output named',
    );
  }
  return { release, module: { name, path, before, after } };
}
