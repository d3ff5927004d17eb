import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NAMESPACE, openSigner, verifySignature } from '../../src/bundle/signature.ts';
import { localTarget } from '../../src/machine/tree.ts';
import { failureOf, temporary } from '../machine/temporary.ts';
import { CONTENT, makeKey, SIGNER, sign, signedBundle } from './signed-bundle.ts';

const machine = localTarget({ dryRun: true });

test('what mptfix signs, ssh-keygen verifies by the line that the docs print', async () => {
  const folder = await temporary();
  const { bundle, signature, key } = await signedBundle(folder);
  rmSync(signature);
  const signer = await openSigner(machine, key);
  writeFileSync(signature, await signer(readFileSync(bundle)));
  const page = readFileSync('docs/build-and-install.md', 'utf8');
  const line = /^ {4}(ssh-keygen -Y verify .*)$/m.exec(page)?.[1] ?? '';
  expect(line).toContain(basename(bundle));
  expect(line).toContain(NAMESPACE);
  const verify = (): number | null => spawnSync('sh', ['-c', line], { cwd: folder }).status;
  expect(verify()).toBe(0);
  const changed = readFileSync(bundle);
  changed[changed.length - 1] = 1;
  writeFileSync(bundle, changed);
  expect(verify()).not.toBe(0);
});

describe('a key that cannot sign is refused, at once and by name:', () => {
  const refused = async (key: string): Promise<readonly [string, string, string]> => {
    const { code, what, next } = await failureOf(openSigner(machine, key));
    return [code, what, next];
  };
  const inFolder = async (make: (path: string) => void): Promise<string> => {
    const path = join(await temporary(), 'key');
    make(path);
    return path;
  };
  const cases: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ['not there', () => {}, /there is no key/],
    ['a folder', (path) => mkdirSync(path), /not a file/],
    ['a FIFO that nobody writes to', (path) => execFileSync('mkfifo', [path]), /not a file/],
    ['no key', (path) => writeFileSync(path, 'no key\n', { mode: 0o600 }), /cannot sign/],
    [
      'a public key that no agent holds',
      (path) => renameSync(`${makeKey(`${path}1`)}.pub`, path),
      /cannot sign/,
    ],
    ['a key of which the middle is lost', (path) => damage(makeKey(path)), /cannot sign/],
    ['open to a group', (path) => chmodSync(makeKey(path), 0o640), /others may read/],
    ['open to all', (path) => chmodSync(makeKey(path), 0o604), /others may read/],
    ['with a passphrase', (path) => void makeKey(path, 'secret words'), /passphrase, and no ssh-agent/],
  ];
  test.each(cases)('%s', async (_, make, says) => {
    const key = await inFolder(make);
    const [code, what, next] = await refused(key);
    expect(code).toBe('E_SIGN_KEY');
    expect(what).toMatch(says);
    expect(next.length).toBeGreaterThan(10);
  });

  test('a device', async () => {
    expect((await refused('/dev/zero'))[0]).toBe('E_SIGN_KEY');
  });

  test('where there is no ssh-keygen, its package is named', async () => {
    const without = { ...machine, findProgram: async () => undefined };
    const { code, next } = await failureOf(openSigner(without, '/key'));
    expect([code, next]).toEqual(['E_TOOLS_MISSING', expect.stringContaining('openssh-client')]);
  });
});

test('a key with a passphrase signs by the agent that holds it, and so does its public key', async () => {
  const folder = await temporary();
  const { bundle, signers } = await signedBundle(folder);
  const key = makeKey(join(folder, 'secret'), 'secret words');
  const socket = join(folder, 'agent');
  const agent = execFileSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]);
  onTestFinished(() => void process.kill(pid));
  writeFileSync(join(folder, 'ask'), '#!/bin/sh\necho secret words\n', { mode: 0o755 });
  const env = {
    PATH: process.env.PATH ?? '',
    SSH_AUTH_SOCK: socket,
    SSH_ASKPASS: join(folder, 'ask'),
    DISPLAY: ':0',
  };
  execFileSync('ssh-add', ['-q', key], { env: { ...env, SSH_ASKPASS_REQUIRE: 'force' }, stdio: 'pipe' });
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = socket;
  onTestFinished(() => {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
  });
  writeFileSync(signers, `${SIGNER} ${readFileSync(`${key}.pub`, 'utf8')}`);
  const bytes = readFileSync(bundle);
  for (const one of [key, `${key}.pub`]) {
    writeFileSync(`${bundle}.sig`, await (await openSigner(machine, one))(bytes));
    const files = { signature: `${bundle}.sig`, signers, identity: undefined };
    expect(await verifySignature(machine, bytes, files)).toMatchObject({ identity: SIGNER });
  }
});

describe('a signature counts', () => {
  const setUp = async () => {
    const folder = await temporary();
    const files = await signedBundle(folder);
    const bytes = readFileSync(files.bundle);
    const verify = (more: { signers?: string; identity?: string; signature?: string } = {}) =>
      verifySignature(machine, bytes, {
        signature: more.signature ?? files.signature,
        signers: more.signers,
        identity: more.identity,
      });
    return { folder, files, verify };
  };
  const line = (key: string, before: string): string => `${before} ${readFileSync(`${key}.pub`, 'utf8')}`;

  test('by whoever of the signers made it, however they are listed', async () => {
    const { folder, files, verify } = await setUp();
    const signers = join(folder, 'list');
    const lists = [
      [line(files.key, SIGNER), SIGNER],
      [line(files.key, `${SIGNER},other@example.com`), SIGNER],
      [line(files.key, '*@example.com'), '*@example.com'],
      [line(files.key, `${SIGNER} namespaces="file,${NAMESPACE}"`), SIGNER],
      [`# a comment\n\n${line(makeKey(join(folder, 'a')), 'a@x')}${line(files.key, SIGNER)}`, SIGNER],
    ] as const;
    for (const [text, identity] of lists) {
      writeFileSync(signers, text);
      expect([text, (await verify({ signers })).identity]).toEqual([text, identity]);
    }
    expect((await verify()).key).toMatch(/^ED25519 key SHA256:/);
    expect((await verify()).identity).toBeNull();
    writeFileSync(signers, line(files.key, '*@example.com'));
    expect((await verify({ signers, identity: SIGNER })).identity).toBe(SIGNER);
  });

  const refused: readonly (readonly [string, (at: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>])[] =
    [
      [
        'not by a key that is not listed',
        async ({ folder, verify }) => {
          const signers = join(folder, 'list');
          writeFileSync(signers, line(makeKey(join(folder, 'other')), SIGNER));
          return verify({ signers });
        },
      ],
      [
        'not by a key that is listed for something else',
        async ({ folder, files, verify }) => {
          const signers = join(folder, 'list');
          writeFileSync(signers, line(files.key, `${SIGNER} namespaces="file"`));
          return verify({ signers });
        },
      ],
      [
        'not by a key that is no longer valid',
        async ({ folder, files, verify }) => {
          const signers = join(folder, 'list');
          writeFileSync(signers, line(files.key, `${SIGNER} valid-before="20200101"`));
          return verify({ signers });
        },
      ],
      [
        'not by another of the signers than the one that is named',
        async ({ files, verify }) => verify({ signers: files.signers, identity: 'other@example.com' }),
      ],
      [
        'not with an empty list',
        async ({ folder, verify }) => {
          writeFileSync(join(folder, 'list'), '');
          return verify({ signers: join(folder, 'list') });
        },
      ],
      [
        'not for another namespace',
        async ({ files, verify }) => {
          rmSync(files.signature);
          sign(files.bundle, files.key, 'file');
          return verify({ signers: files.signers });
        },
      ],
      [
        'not of the probe that opens a signer',
        async ({ files, verify }) => {
          rmSync(files.signature);
          sign(files.bundle, files.key, 'probe@mptfix');
          return verify();
        },
      ],
      [
        'not of another bundle',
        async ({ folder, verify }) => {
          const other = join(folder, 'other');
          mkdirSync(other);
          const content = { ...CONTENT, bytes: Buffer.from('Module') };
          return verify({ signature: (await signedBundle(other, content)).signature });
        },
      ],
      [
        'not where a byte of it is changed',
        async ({ files, verify }) => {
          const text = readFileSync(files.signature, 'latin1');
          writeFileSync(files.signature, text.replace(/^(.{60})./m, '$1*'));
          return verify();
        },
      ],
      [
        'not where it is empty',
        async ({ files, verify }) => {
          writeFileSync(files.signature, '');
          return verify();
        },
      ],
    ];
  test.each(refused)('%s', async (_, act) => {
    expect((await failureOf(act(await setUp()))).code).toBe('E_SIGNATURE');
  });
});

test('a signature that nothing looked at is not called a wrong one', async () => {
  const folder = await temporary();
  const { bundle, signature } = await signedBundle(folder);
  const bytes = readFileSync(bundle);
  for (const [status, stderr] of [
    [137, ''],
    [255, 'No user exists for uid 4711\r\n'],
    [1, 'ssh-keygen: unknown option -- Y\nusage: ssh-keygen [-q]\n'],
  ] as const) {
    const answering = { ...machine, run: async () => ({ status, stdout: Buffer.alloc(0), stderr }) };
    const files = { signature, signers: undefined, identity: undefined };
    expect((await failureOf(verifySignature(answering, bytes, files))).code).toBe('E_TOOLS_MISSING');
  }
});

/** Its text stays base64. */
function damage(path: string): void {
  const text = readFileSync(path, 'latin1');
  const lines = text.split('\n');
  writeFileSync(path, [...lines.slice(0, 2), ...lines.slice(3)].join('\n'), { mode: 0o600 });
  copyFileSync(path, join(dirname(path), 'damaged'));
  rmSync(`${path}.pub`);
}
