import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { listing } from '../helpers/listing.ts';

const fixture = inject('fixture');
const { guest, source, release } = fixture;
const STATE = 'var/lib/mptfix';
const module = modules()[0] ?? '';

/** The driver's module as it lies there, packed or not. */
function modules(): string[] {
  const folder = join(guest, 'lib/modules', release, 'kernel/drivers/message/fusion');
  return ['', '.xz', '.gz', '.zst']
    .map((suffix) => join(folder, `mptscsih.ko${suffix}`))
    .filter((path) => existsSync(path));
}

/** As a person would look: objdump, not our own reader. Counts stores of the constant 0x20008. */
function storesOf20008(): number {
  const text = execFileSync('objdump', ['-d', '--no-show-raw-insn', plain()], {
    maxBuffer: 1 << 28,
  }).toString();
  return text.split('\n').filter((line) => /\bmov\w*\s+\$0x20008,/.test(line)).length;
}

/** objdump reads no packed module: the kernel of the fixture decides which it is. */
function plain(): string {
  const tool = { '.xz': 'xz', '.gz': 'gzip', zst: 'zstd' }[/\.(xz|gz)$/.exec(module)?.[0] ?? ''];
  if (tool === undefined) return module;
  const path = join(guest, '../plain.ko');
  execFileSync('sh', ['-c', '"$0" -dc < "$1" > "$2"', tool, module, path]);
  return path;
}

function vermagic(): string {
  return execFileSync('modinfo', ['-F', 'vermagic', module]).toString();
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

test('the demo shows every step', () => {
  const statuses = fixture.demo.commands.map((step: { status: number }) => step.status);
  expect(statuses).toEqual([10, 0, 0, 0, 0, 0, 10]);
});

test('check → apply → check → status → rollback on a real Debian tree', async () => {
  const before = listing(guest, { without: [STATE] });
  const original = {
    hash: sha256(module),
    magic: vermagic(),
    stores: storesOf20008(),
    status: statSync(module, { bigint: true }),
  };
  expect(original.stores).toBeGreaterThan(0);
  const affected = await mptfix(['check', '--root', guest, '--json']);
  expect(affected.status).toBe(10);
  expect(json(affected)).toMatchObject({
    schema: 'mptfix.check/1',
    verdict: 'affected',
    kernel: { release },
  });

  const dry = await mptfix(['apply', '--root', guest, '--source', source, '--dry-run', '--json']);
  expect(dry.status).toBe(0);
  expect(json(dry)).toMatchObject({ result: 'planned', plan: { needed: true } });
  expect(listing(guest, { without: [] }).filter((line) => !line.startsWith(STATE))).toEqual(before);

  const applied = await mptfix(['apply', '--root', guest, '--source', source, '--yes', '--json']);
  expect(applied.stderr).toContain('Compile mptscsih.ko');
  expect(applied.status).toBe(0);
  const { result, manifest } = json(applied);
  expect(result).toBe('patched');
  expect(manifest.module.before.sha256).toBe(original.hash);
  expect(manifest.module.after.sha256).toBe(sha256(module));
  expect(manifest.artifact.proofs.map((proof: { ok: boolean }) => proof.ok)).not.toContain(false);
  expect(manifest.artifact.patch.diff).toContain('-\t\t\t\tsc->result = (DID_BUS_BUSY << 16) | scsi_status;');
  expect(vermagic()).toBe(original.magic);
  expect(storesOf20008()).toBe(0);
  expect(statSync(module).mode).toBe(Number(original.status.mode));

  const fixed = await mptfix(['check', '--root', guest, '--json']);
  expect(fixed.status).toBe(0);
  expect(json(fixed).verdict).toBe('fixed');
  const status = await mptfix(['status', '--root', guest, '--json']);
  expect(json(status)).toMatchObject({
    schema: 'mptfix.status/1',
    state: 'patched',
    generation: { number: manifest.generation },
  });

  const patched = listing(guest);
  const again = await mptfix(['apply', '--root', guest, '--source', source, '--yes', '--json']);
  expect(again.status).toBe(0);
  expect(json(again)).toMatchObject({ result: 'nothing-to-do' });
  expect(json(again).reason).toContain('already patched');
  expect(listing(guest)).toEqual(patched);

  const back = await mptfix(['rollback', '--root', guest, '--yes', '--json']);
  expect(back.status).toBe(0);
  expect(json(back)).toMatchObject({ result: 'rolled-back', generation: manifest.generation });
  const after = statSync(module, { bigint: true });
  expect([sha256(module), after.mode, after.uid, after.gid, after.mtimeNs]).toEqual([
    original.hash,
    original.status.mode,
    original.status.uid,
    original.status.gid,
    original.status.mtimeNs,
  ]);
  expect(listing(guest, { without: [STATE] })).toEqual(before);

  const nothing = listing(guest);
  const second = await mptfix(['rollback', '--root', guest, '--yes', '--json']);
  expect(second.status).toBe(0);
  expect(json(second).result).toBe('nothing-to-do');
  expect(listing(guest)).toEqual(nothing);
});

test('the distro’s own module and source are judged fixed, the reintroduced ones affected', async () => {
  const own = await mptfix(['check', '--source', fixture.tarball, '--json']);
  expect([own.status, json(own).verdict]).toEqual([0, 'fixed']);
  const branch = await mptfix(['check', '--source', source, '--json']);
  expect([branch.status, json(branch).verdict]).toEqual([10, 'affected']);
  const text = readFileSync(join(source, 'drivers/message/fusion/mptscsih.c'), 'utf8').split('\n');
  const { line } = json(branch).evidence[0];
  expect(text[line - 1]).toContain('if (scsi_status == MPI_SCSI_STATUS_BUSY)');
  expect(text[line]).toContain('DID_BUS_BUSY');
});

test('the page for people says what was done, with the diff and the way back', async () => {
  const applied = await mptfix(['apply', '--root', guest, '--source', source, '--yes']);
  expect(applied.status).toBe(0);
  expect(applied.stdout).toContain('+\t\t\tsc->result = (DID_OK << 16) | scsi_status;');
  expect(applied.stdout).toContain(`undo with: \`mptfix rollback --root ${guest}`);
  expect(applied.stdout).not.toContain('\u001B[');
  const back = await mptfix(['rollback', '--root', guest, '--yes']);
  expect(back.stdout).toContain('put back');
});
