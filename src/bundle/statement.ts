import { basename } from 'node:path';
import * as v from 'valibot';
import type { ArtifactInfo } from '../artifact-info.ts';
import type { Document } from '../document.ts';
import { sha256 } from '../hash.ts';
import type { BundleContent } from './content.ts';
import { portable } from './portable.ts';

/*
 * What a module was built from, as an in-toto statement with SLSA's provenance. Sources: in-toto/attestation,
 * spec/v1/statement.md and resource_descriptor.md; slsa.dev/spec/v1.0/provenance.
 * No time, no host and no path of the building machine is in it: the same inputs give the same statement.
 */

/** They name what this page of code defines; mptfix has no address on the web that could. */
const BUILD_TYPE = 'urn:mptfix:build:1';
const BUILDER = 'urn:mptfix:builder:1';

const digest = v.strictObject({ sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });
const subject = v.strictObject({ name: v.string(), digest });
/** The specification wants a uri, a digest or a content of each. */
const dependency = v.strictObject({
  name: v.string(),
  digest: v.exactOptional(digest),
  /** Base64, where nothing could be hashed. */
  content: v.exactOptional(v.string()),
  annotations: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number()]))),
});

export const statementSchema = v.strictObject({
  _type: v.literal('https://in-toto.io/Statement/v1'),
  /** The module; outside of the bundle also the bundle. */
  subject: v.pipe(v.array(subject), v.minLength(1), v.maxLength(2)),
  predicateType: v.literal('https://slsa.dev/provenance/v1'),
  predicate: v.strictObject({
    buildDefinition: v.strictObject({
      buildType: v.literal(BUILD_TYPE),
      externalParameters: v.strictObject({
        kernel: v.strictObject({
          release: v.string(),
          packageVersion: v.nullable(v.string()),
          architecture: v.picklist(['x86_64', 'i386']),
        }),
        module: v.strictObject({ name: v.string(), path: v.string() }),
        /** Null: the source had no such branch, and the module was only built again. */
        patch: v.nullable(v.string()),
      }),
      internalParameters: v.strictObject({
        toolchain: v.nullable(v.string()),
        compiler: v.string(),
        command: v.array(v.string()),
        vermagic: v.string(),
        proofs: v.array(v.strictObject({ name: v.string(), ok: v.boolean(), waived: v.boolean() })),
      }),
      /** Source, headers, packages, patch, compiler, and the module that is replaced. */
      resolvedDependencies: v.array(dependency),
    }),
    runDetails: v.strictObject({
      builder: v.strictObject({
        id: v.literal(BUILDER),
        version: v.strictObject({ mptfix: v.string() }),
      }),
      /** The specification's fields for it are times and a number of the run: two builds would differ. */
      metadata: v.strictObject({}),
    }),
  }),
});
export type Statement = Document<typeof statementSchema>;
type Dependency = Statement['predicate']['buildDefinition']['resolvedDependencies'][number];

/** Of the module alone, as the bundle holds it: what is in the bundle cannot name the bundle's own hash. */
export function statementOf(content: BundleContent): Statement {
  const { kernel, architecture, module, bytes, tool } = content;
  const artifact = portable(content.artifact);
  const { toolchain, compiler, command, vermagic, proofs, patch } = artifact;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: basename(module.path), digest: { sha256: sha256(bytes) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          kernel: { release: kernel.release, packageVersion: kernel.packageVersion, architecture },
          module: { name: module.name, path: module.path },
          patch: patch?.name ?? null,
        },
        internalParameters: {
          toolchain: toolchain?.kind ?? null,
          compiler,
          command: [...command],
          vermagic,
          proofs: proofs.map(({ name, ok, waived }) => ({ name, ok, waived })),
        },
        resolvedDependencies: dependencies(artifact, module),
      },
      runDetails: {
        builder: { id: BUILDER, version: { mptfix: tool.replace(/^mptfix /, '') } },
        metadata: {},
      },
    },
  };
}

/** The same with the bundle as a second subject, for beside it. */
export function withBundle(
  statement: Statement,
  bundle: { readonly name: string; readonly bytes: Uint8Array },
): Statement {
  return {
    ...statement,
    subject: [...statement.subject, { name: bundle.name, digest: { sha256: sha256(bundle.bytes) } }],
  };
}

function dependencies(
  { source, headers, packages, patch, toolchain }: ArtifactInfo,
  module: BundleContent['module'],
): readonly Dependency[] {
  const ofHeaders = defined({
    origin: headers.origin,
    version: headers.version,
    release: headers.release,
  });
  return [
    ...hashed('source', source.sha256, {
      file: source.file,
      ...defined({ origin: source.origin, version: source.version }),
    }),
    ...hashed('headers .config', headers.configSha256, ofHeaders),
    ...hashed('headers Module.symvers', headers.symversSha256, ofHeaders),
    ...packages.flatMap(({ name, version, sha256: sum }) => hashed(`package ${name}`, sum, { version })),
    ...(patch === null
      ? []
      : hashed('patch', sha256(patch.diff), {
          patch: patch.name,
          origin: patch.origin,
          firstLine: patch.firstLine,
          lastLine: patch.lastLine,
        })),
    ...(toolchain === null ? [] : [ofToolchain(toolchain)]),
    ...hashed('replaced module', module.sha256, { path: module.path }),
  ];
}

/** Nothing where there is no hash: a bundle that only undoes was built from nothing, and old records have fewer. */
function hashed(
  name: string,
  sum: string | undefined,
  annotations: NonNullable<Dependency['annotations']>,
): readonly Dependency[] {
  return sum === undefined || sum === '' ? [] : [{ name, digest: { sha256: sum }, annotations }];
}

function ofToolchain({ version, origin, sha256: sum }: NonNullable<ArtifactInfo['toolchain']>): Dependency {
  const what =
    sum === null ? { content: Buffer.from(version).toString('base64') } : { digest: { sha256: sum } };
  return { name: 'toolchain', ...what, annotations: { version, origin } };
}

/** Without what nobody knows. */
function defined(values: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
