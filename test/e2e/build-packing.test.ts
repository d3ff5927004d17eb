import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { appendedSignature } from '../../src/elf/signature.ts';
import { buildBench, proofs } from '../helpers/build.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { modulePath } from '../helpers/slim-guest.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const affected = join(guest, modulePath(release));
const { at, headers, output, build } = buildBench(fixture);

/** The kernel's own program, which Debian puts beside the headers. Run here on headers that are the distro's. */
function signFile(folder: string): string {
  return join(folder, 'scripts/sign-file');
}

describe('packing and signing', () => {
  for (const [suffix, tool] of [
    ['.xz', ['xz', '-c', '--check=crc32']],
    ['.gz', ['gzip', '-c']],
    ['.zst', ['zstd', '-cq']],
  ] as const) {
    test(`a ${suffix} module is replaced by a ${suffix} module`, async () => {
      const shipped = at(`mptscsih.ko${suffix}`);
      const [file, ...args] = tool;
      writeFileSync(shipped, execFileSync(file, [...args, affected], { maxBuffer: 1 << 26 }));
      const out = output();
      const run = await build(['--source', source, '--headers', headers(), '--module', shipped], out);
      expect(run.status).toBe(0);
      expect(proofs(run).compression.ok).toBe(true);
      const made = join(out, `mptscsih.ko${suffix}`);
      expect(json(run).module.file).toBe(made);
      if (suffix === '.xz') expect(execFileSync('xz', ['-lv', made]).toString()).toContain('CRC32');
      expect((await mptfix(['check', '--module', made])).status).toBe(0);
    });
  }

  test('a module is signed, byte for byte as the kernel’s own tool signs it', async () => {
    const key = at('key.pem');
    const certificate = at('cert.pem');
    execFileSync(
      'openssl',
      [
        'req',
        '-new',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=owner/',
        '-keyout',
        key,
        '-out',
        certificate,
      ],
      { stdio: 'ignore' },
    );
    const out = output();
    const run = await build(
      ['--source', source, '--root', guest, '--sign-key', key, '--sign-cert', certificate],
      out,
    );
    expect(run.status).toBe(0);
    expect(proofs(run).signature.ok).toBe(true);
    expect(
      execFileSync('modinfo', ['-F', 'signer', json(run).module.file])
        .toString()
        .trim(),
    ).toBe('owner');
    const signed = readFileSync(json(run).module.file);
    const unsigned = at('unsigned.ko');
    writeFileSync(unsigned, signed.subarray(0, appendedSignature(signed)?.unsignedLength));
    execFileSync(signFile(headers()), ['sha256', key, certificate, unsigned]);
    expect(signed.equals(readFileSync(unsigned))).toBe(true);
    const text = `${run.stderr}${readFileSync(join(out, 'build.log'), 'utf8')}${run.stdout}`;
    expect(text).not.toContain('PRIVATE KEY');
    const half = await build(['--source', source, '--root', guest, '--sign-key', key], output());
    expect([half.status, json(half).error.code]).toEqual([2, 'E_USAGE']);
  });
});
