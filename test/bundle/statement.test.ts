import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import type { ArtifactInfo } from '../../src/artifact-info.ts';
import { packBundle } from '../../src/bundle/pack.ts';
import { portable } from '../../src/bundle/portable.ts';
import { statementOf, statementSchema, withBundle } from '../../src/bundle/statement.ts';
import { sha256 } from '../../src/hash.ts';
import { CONTENT } from './signed-bundle.ts';

/** An artifact as a machine makes it that keeps its things in this folder. */
function artifactIn(folder: string, jobs = 4): ArtifactInfo {
  return {
    ...CONTENT.artifact,
    source: { ...CONTENT.artifact.source, origin: `${folder}/linux.tar.xz` },
    headers: {
      origin: `${folder}/guest:/usr/src/linux-headers`,
      version: '6.1.9',
      release: null,
      configSha256: '2'.repeat(64),
      symversSha256: '3'.repeat(64),
    },
    packages: [{ name: 'linux-source-6.1', version: '6.1.9-1', sha256: '4'.repeat(64) }],
    toolchain: { kind: 'tree', origin: `${folder}/etch`, version: 'gcc 4.1', sha256: '5'.repeat(64) },
    command: [
      'make',
      `-j${jobs}`,
      '-C',
      `${folder}/headers`,
      `M=${folder}/module`,
      `CC=${folder}/gcc`,
      'modules',
    ],
    proofs: [
      { name: 'version', ok: true, detail: `as ${folder}/headers says (${folder}/x)`, waived: false },
      { name: 'compression', ok: true, detail: 'drivers/message/fusion/mptscsih.c (.ko)', waived: false },
    ],
  };
}

const FOLDER = fc
  .array(fc.stringMatching(/^[A-Za-z0-9._+~-]{1,12}$/), { minLength: 1, maxLength: 5 })
  .map((names) => `/${names.join('/')}`);

describe('nothing of the building machine is in a bundle:', () => {
  test('the same inputs in other folders, on other processors, give the same bytes', () => {
    const packed = (folder: string, jobs: number): Buffer =>
      packBundle({ ...CONTENT, artifact: artifactIn(folder, jobs) }, '#!/bin/sh\n#@FACTS@\n#@TOOLS@\n');
    const one = packed('/var/tmp/mptfix-a1b2c3', 2);
    fc.assert(
      fc.property(FOLDER, fc.integer({ min: 1, max: 512 }), (folder, jobs) => {
        expect(packed(folder, jobs).equals(one)).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect(one.toString('latin1')).not.toContain('mptfix-a1b2c3');
  });

  test('what is no place stays, and it stays the same the second time', () => {
    const once = portable(artifactIn('/srv/a'));
    expect(once.proofs[1]?.detail).toBe('drivers/message/fusion/mptscsih.c (.ko)');
    expect(once.command).toEqual(['make', '-C', 'PATH', 'M=PATH', 'CC=PATH', 'modules']);
    expect(portable(once)).toEqual(once);
  });
});

describe('the statement', () => {
  const content = { ...CONTENT, artifact: artifactIn('/srv/a') };
  const statement = statementOf(content);
  const { buildDefinition, runDetails } = statement.predicate;

  test('has the form of in-toto and of SLSA', () => {
    expect(v.parse(statementSchema, statement)).toEqual(statement);
    expect(statement._type).toBe('https://in-toto.io/Statement/v1');
    expect(statement.predicateType).toBe('https://slsa.dev/provenance/v1');
    // TypeURI: a URI of RFC 3986, with a scheme.
    for (const uri of [buildDefinition.buildType, runDetails.builder.id]) expect(new URL(uri).href).toBe(uri);
    // Each ResourceDescriptor has a uri, a digest or a content.
    for (const one of buildDefinition.resolvedDependencies)
      expect([one.name, one.digest ?? one.content]).toEqual([one.name, expect.anything()]);
  });

  test('names source, headers, packages, patch, toolchain and the replaced module by their hashes', () => {
    expect(
      buildDefinition.resolvedDependencies.map(({ name, digest }) => [name, digest?.sha256.slice(0, 4)]),
    ).toEqual([
      ['source', '0000'],
      ['headers .config', '2222'],
      ['headers Module.symvers', '3333'],
      ['package linux-source-6.1', '4444'],
      ['patch', sha256('').slice(0, 4)],
      ['toolchain', '5555'],
      ['replaced module', '0000'],
    ]);
    expect(buildDefinition.externalParameters).toMatchObject({ patch: 'mptscsih-busy' });
  });

  test('is about the module, and outside of the bundle also about the bundle', () => {
    const bundle = { name: 'x.run', bytes: Buffer.from('bundle') };
    expect(withBundle(statement, bundle).subject).toEqual([
      { name: 'mptscsih.ko', digest: { sha256: sha256('module') } },
      { name: 'x.run', digest: { sha256: sha256('bundle') } },
    ]);
  });

  test.each([
    ['another type', { ...statement, _type: 'https://in-toto.io/Statement/v0.1' }],
    ['another predicate', { ...statement, predicateType: 'https://slsa.dev/provenance/v0.2' }],
    ['no subject', { ...statement, subject: [] }],
    ['a subject without a hash', { ...statement, subject: [{ name: 'x' }] }],
    ['a hash that is none', { ...statement, subject: [{ name: 'x', digest: { sha256: 'x' } }] }],
    ['a field that nobody knows', { ...statement, more: 1 }],
  ])('with %s does not fit its schema', (_, wrong) => {
    expect(v.safeParse(statementSchema, wrong).success).toBe(false);
  });
});
