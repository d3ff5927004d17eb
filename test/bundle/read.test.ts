import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readInstaller } from '../../src/bundle/installer.ts';
import { packBundle } from '../../src/bundle/pack.ts';
import { readBundle } from '../../src/bundle/read.ts';
import { undoBundle } from '../../src/bundle/undo-only.ts';
import { isFailure } from '../../src/errors.ts';
import { sha256 } from '../../src/hash.ts';
import { temporary } from '../machine/temporary.ts';
import { CONTENT } from './signed-bundle.ts';

let whole: Buffer = Buffer.alloc(0);
let skip = 0;
beforeAll(async () => {
  whole = packBundle(CONTENT, await readInstaller());
  skip = Number(/^PAYLOAD_SKIP='(\d+)'$/m.exec(whole.toString('latin1'))?.[1]) * 512;
});

/** The code with which the bytes are refused; undefined: they are not. */
function refusal(bytes: Buffer): string | undefined {
  try {
    readBundle(bytes);
    return undefined;
  } catch (error) {
    return isFailure(error) ? error.failure.code : String(error);
  }
}

test('a bundle says again what was packed', () => {
  const { content, statement } = readBundle(whole);
  expect({ ...content, bytes: Buffer.from(content.bytes) }).toMatchObject({
    kernel: CONTENT.kernel,
    architecture: CONTENT.architecture,
    module: CONTENT.module,
    bytes: CONTENT.bytes,
    reindex: false,
    tool: CONTENT.tool,
  });
  expect(statement.subject).toEqual([{ name: 'mptscsih.ko', digest: { sha256: sha256(CONTENT.bytes) } }]);
});

test('so does one that only undoes: it was built from nothing', async () => {
  const { kernel, module } = CONTENT;
  const { content, statement } = readBundle(await undoBundle({ kernel, module }));
  expect([content.bytes.length, content.artifact.patch]).toEqual([0, null]);
  expect(statement.predicate.buildDefinition.resolvedDependencies.map(({ name }) => name)).toEqual([
    'replaced module',
  ]);
});

test('one changed byte is noticed, wherever it is, and a bundle cut short or made longer', () => {
  expect(refusal(whole)).toBeUndefined();
  // Each part of the file: what the shell runs, the facts, the padding before the archive, the archive.
  const facts = whole.indexOf('\n#@FACTS@\n');
  const parts = [
    [0, facts],
    [facts, whole.indexOf('\n#@END@\n')],
    [whole.indexOf('\nexit 1\n') + 8, skip],
    [skip, whole.length],
  ] as const;
  const place = fc.oneof(...parts.map(([from, to]) => fc.integer({ min: from, max: to - 1 })));
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ change;
      expect(refusal(changed)).toBe('E_BUNDLE');
    }),
    { numRuns: 600 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      expect(refusal(whole.subarray(0, length))).toBe('E_BUNDLE');
    }),
    { numRuns: 100 },
  );
  for (const more of [1, 512, 10_000])
    expect(refusal(Buffer.concat([whole, Buffer.alloc(more)]))).toBe('E_BUNDLE');
});

test('each byte of the facts counts, and each of the lines around them', () => {
  const [from, to] = [whole.indexOf('\n#@FACTS@\n'), whole.indexOf('\n#@END@\n') + 8];
  for (let at = from; at < to; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect([at, refusal(changed)]).toEqual([at, 'E_BUNDLE']);
  }
});

/** A bundle whose hashes were made to fit again by whoever changed it. */
function mended(head: string, payload: Buffer): Buffer {
  const summed = head.replace(
    /^SELF_CKSUM='.*'$/m,
    `SELF_CKSUM='${hashOf('ck', head, payload).padStart(10, '0')}'`,
  );
  const folded = summed.replace(/^SELF_SHA1='.*'$/m, `SELF_SHA1='${hashOf('sha1', summed, payload)}'`);
  const last = folded.replace(/^SELF_SHA256='.*'$/m, `SELF_SHA256='${hashOf('sha256', folded, payload)}'`);
  return Buffer.concat([Buffer.from(last, 'latin1'), payload]);
}

const WITHOUT = { ck: 'SELF_[A-Z0-9]*', sha1: 'SELF_SHA[0-9]*', sha256: 'SELF_SHA256' } as const;

/** By the words of the installer itself, not of mptfix. */
function hashOf(kind: keyof typeof WITHOUT, head: string, payload: Buffer): string {
  const lines = WITHOUT[kind];
  const input = spawnSync('sed', [`/^${lines}=/d`], { input: Buffer.from(head, 'latin1') }).stdout;
  const { stdout } = spawnSync(`${kind}sum`, { input: Buffer.concat([input, payload]), encoding: 'utf8' });
  return stdout.slice(0, stdout.indexOf(' '));
}

const headOf = (bytes: Buffer): string => bytes.toString('latin1', 0, skip);

describe('whoever makes the hashes fit again is still refused', () => {
  const fact = (name: string, value: string) => (): Buffer => {
    const head = headOf(whole).replace(new RegExp(`^${name}='.*'$`, 'm'), `${name}='${value}'`);
    // The padding takes what the line has more.
    const padded = head.slice(0, skip).padEnd(skip, '\n');
    return mended(padded, whole.subarray(skip));
  };
  const tar = (change: (payload: Buffer) => void) => (): Buffer => {
    const payload = Buffer.from(whole.subarray(skip));
    change(payload);
    return mended(headOf(whole), payload);
  };
  /** A header of the archive, with the checksum that it must have. */
  const header = (payload: Buffer, at: number, edit: (head: Buffer) => void): void => {
    const head = payload.subarray(at, at + 512);
    edit(head);
    head.fill(' ', 148, 156);
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  };
  const cases: readonly (readonly [string, () => Buffer])[] = [
    ['another release', fact('RELEASE', '2.6.18-9.el5')],
    ['a place outside of the module tree', fact('MODULE_PATH', '/etc/mptscsih.ko')],
    ['a place with ..', fact('MODULE_PATH', '/lib/modules/2.6.18-8.el5/../../../etc/mptscsih.ko')],
    ['another module', fact('NEW_SHA256', 'f'.repeat(64))],
    ['another size', fact('NEW_SIZE', '7')],
    ['no patch', fact('AFFECTED', '0')],
    ['a number that no shell counts with', fact('PAYLOAD_SKIP', '99999999999999999999')],
    ['a number with an exponent', fact('PAYLOAD_BLOCKS', '1e3')],
    ['a negative number', fact('PAYLOAD_SKIP', '-1')],
    ['a command in a fact', fact('TOOL', "x'; reboot; '")],
    ['an archive with a link', tar((payload) => header(payload, 0, (head) => head.write('2', 156)))],
    ['an archive with a device', tar((payload) => header(payload, 0, (head) => head.write('3', 156)))],
    ['a name that leads out', tar((payload) => header(payload, 0, (head) => head.write('../../m\0', 0)))],
    ['a size beyond the end', tar((payload) => header(payload, 0, (head) => head.write('77777777777', 124)))],
    ['a size in the form of GNU', tar((payload) => header(payload, 0, (head) => head.fill(0xff, 124, 136)))],
    ['an owner', tar((payload) => header(payload, 0, (head) => head.write('0000777', 108)))],
    ['something in the padding of a file', tar((payload) => payload.write('hidden', 512 + 100))],
    ['something behind the last file', tar((payload) => payload.write('hidden', payload.length - 100))],
    [
      'a text that is no UTF-8',
      tar((payload) => payload.fill(0xff, payload.indexOf('RHEL 5'), payload.indexOf('RHEL 5') + 1)),
    ],
    ['a text with a replacement', tar((payload) => payload.write('\\u', payload.indexOf('"RHEL 5') + 1))],
    ['another module in the archive', tar((payload) => payload.write('M', 512))],
  ];
  test.each(cases)('%s', (_, make) => {
    expect(refusal(make())).toBe('E_BUNDLE');
  });

  test('and the test’s own way to mend one is right', () => {
    expect(mended(headOf(whole), whole.subarray(skip)).equals(whole)).toBe(true);
  });
});

test('what is no bundle is refused, whatever it is', () => {
  const facts = whole.toString('latin1').slice(whole.indexOf('#@FACTS@'), whole.indexOf('\n#@END@\n') + 7);
  for (const text of [
    '',
    '#!/bin/sh\n',
    `#!/bin/sh\n${facts}\n`,
    `${facts}\n`,
    '#!/bin/sh\n#@FACTS@\n#@END@\n',
  ])
    expect(refusal(Buffer.from(text))).toBe('E_BUNDLE');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => refusal(Buffer.from(bytes)) === 'E_BUNDLE'),
  );
});

describe('the bundle itself refuses', () => {
  const run = async (
    bytes: Buffer,
    words: readonly string[] = ['status', '--root', '/nowhere'],
  ): Promise<readonly [number | null, string]> => {
    const file = join(await temporary(), 'bundle.run');
    writeFileSync(file, bytes);
    const { status, stdout } = spawnSync('sh', [file, ...words, '--json'], {
      encoding: 'utf8',
    });
    return [status, stdout === '' ? '' : JSON.parse(stdout).error.code];
  };
  const changedAt = (at: number): Buffer => {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    return changed;
  };

  test('a changed fact, comment, padding or payload, before it looks at anything else', async () => {
    const places = [
      whole.indexOf("OLD_SHA256='") + 15,
      whole.indexOf("MODULE_PATH='/lib/modules") + 30,
      whole.indexOf('# What follows') + 5,
      whole.indexOf("SELF_SHA1='") + 15,
      whole.indexOf("SELF_SHA256='") + 15,
      skip + 600,
      whole.length - 1,
    ];
    expect((await run(whole))[1]).toBe('E_TARGET_MISSING');
    const padding = Buffer.from(whole);
    padding[skip - 1] = 32;
    expect(await run(padding)).toEqual([4, 'E_ARCHIVE_TRUNCATED']);
    for (const at of places)
      expect([at, ...(await run(changedAt(at)))]).toEqual([at, 4, 'E_ARCHIVE_TRUNCATED']);
  });

  test('what was cut short anywhere, and never ends as if all were well', async () => {
    const guard = whole.indexOf('\n#@FACTS@\n');
    const ends = [guard, guard + 400, whole.indexOf('\nmain "$@"\n') + 1, skip - 1, skip, whole.length - 1];
    for (const end of ends)
      expect([end, ...(await run(whole.subarray(0, end)))]).toEqual([end, 4, 'E_ARCHIVE_TRUNCATED']);
    expect(await run(Buffer.concat([whole, Buffer.alloc(512)]))).toEqual([4, 'E_ARCHIVE_TRUNCATED']);
    // What the watch installs is the part before the payload, and nothing but the watch runs from it.
    expect(await run(whole.subarray(0, skip), ['apply', '--root', '/watch'])).toEqual([
      4,
      'E_ARCHIVE_TRUNCATED',
    ]);
  });

  test('and for Nagios what is damaged is unknown, not critical', async () => {
    const file = join(await temporary(), 'bundle.run');
    writeFileSync(file, whole.subarray(0, -1));
    const { status, stdout } = spawnSync('sh', [file, 'watch', '--nagios'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([3, expect.stringMatching(/^MPTFIX UNKNOWN - .*damaged.*\n$/)]);
  });
});
