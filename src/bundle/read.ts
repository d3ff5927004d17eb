import { basename } from 'node:path';
import * as v from 'valibot';
import { type ArtifactInfo, artifactInfoSchema } from '../artifact-info.ts';
import { strict } from '../document.ts';
import { type FailureError, failure } from '../errors.ts';
import { kernelIdentitySchema } from '../guest/document.ts';
import { sha256 } from '../hash.ts';
import { type BundleContent, isPlain } from './content.ts';
import { type Facts, readFacts } from './facts.ts';
import { BLOCK, readPayload } from './payload.ts';
import { type Statement, statementOf, statementSchema } from './statement.ts';
import { wholeHashes } from './whole.ts';

/** The facts stand in the first of the installer's lines. */
const FACTS_WITHIN = 64 * 1024;

/** What a bundle holds. */
export interface ReadBundle {
  readonly content: BundleContent;
  readonly statement: Statement;
}

/**
 * Reads a bundle as data; nothing of it runs. Throws E_BUNDLE where it is not, in every byte, what `packBundle` writes:
 * damaged, cut short or longer, with another entry in its archive, or where its head, its archive and its statement say
 * different things. Whoever changes a bundle can make all of them fit again, but for the installer's text, which
 * `packBundle` tells, and a signature.
 */
export function readBundle(bytes: Buffer): ReadBundle {
  const facts = readFacts(bytes.subarray(0, FACTS_WITHIN).toString('latin1'));
  if (!bytes.subarray(0, 10).equals(Buffer.from('#!/bin/sh\n')) || facts === undefined)
    throw damaged('it does not begin as one');
  const [skip, blocks] = [Number(facts.PAYLOAD_SKIP), Number(facts.PAYLOAD_BLOCKS)];
  const size = (skip + blocks) * BLOCK;
  if (size !== bytes.length) throw damaged(`it has ${bytes.length} bytes, and says ${size} of itself`);
  const head = bytes.toString('latin1', 0, skip * BLOCK);
  const payload = bytes.subarray(skip * BLOCK);
  const { cksum, sha1, sha256: whole } = wholeHashes(head, payload);
  if (whole !== facts.SELF_SHA256 || sha1 !== facts.SELF_SHA1 || cksum !== facts.SELF_CKSUM)
    throw damaged('its hash is not the one that it names');
  if (sha256(payload) !== facts.PAYLOAD_SHA256)
    throw damaged('its archive has another hash than its head names');
  const files = readPayload(payload);
  if (files === undefined) throw damaged('its archive is not one that mptfix writes');
  const content = {
    kernel: document(strict(kernelIdentitySchema), files['kernel.json'], 'kernel.json'),
    architecture: facts.ARCH as BundleContent['architecture'],
    module: { name: facts.MODULE, path: facts.MODULE_PATH, sha256: facts.OLD_SHA256 },
    bytes: files.module,
    artifact: document(strict(artifactInfoSchema), files['artifact.json'], 'artifact.json') as ArtifactInfo,
    reindex: facts.REINDEX === '1',
    tool: facts.TOOL,
  };
  const statement = document(statementSchema, files['statement.json'], 'statement.json') as Statement;
  requireAgreement(facts, content, statement);
  return { content, statement };
}

function requireAgreement(facts: Facts, content: BundleContent, statement: Statement): void {
  const { bytes, kernel, artifact, module } = content;
  const sum = sha256(bytes);
  const disagreements: readonly (readonly [ok: boolean, what: string])[] = [
    [isPlain(content), `${module.path} is no place of that kernel’s modules`],
    [facts.RELEASE === kernel.release, 'its head and its kernel.json name two kernels'],
    [facts.NEW_SHA256 === sum, 'its head names another module than the one in it'],
    [facts.NEW_SIZE === String(bytes.length), 'its head names another size of the module'],
    [
      (facts.AFFECTED === '1') === (artifact.patch !== null),
      'its head and its artifact.json differ about the patch',
    ],
    [
      statement.subject[0]?.digest.sha256 === sum && statement.subject[0].name === basename(module.path),
      'its statement is about another module than the one in it',
    ],
    [
      JSON.stringify(statement) === JSON.stringify(v.parse(statementSchema, statementOf(content))),
      'its statement does not say what its artifact.json says',
    ],
  ];
  const first = disagreements.find(([ok]) => !ok);
  if (first !== undefined) throw damaged(first[1]);
}

/** Each document in the one form that `packBundle` writes: what two readers read differently is in none. */
function document<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  name: string,
): v.InferOutput<Schema> {
  const { output, success } = v.safeParse(schema, parsed(Buffer.from(bytes).toString('utf8')));
  // Bytes: two texts may look the same where one is no UTF-8.
  if (!success || !Buffer.from(JSON.stringify(output)).equals(bytes))
    throw damaged(`its ${name} is not one that mptfix writes`);
  return output;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(why: string): FailureError {
  return failure(
    'E_BUNDLE',
    `this is no bundle as mptfix writes it: ${why}`,
    'do not run it; get the file once more from whoever built it',
  );
}
