import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { imageHolds, text } from '../bundle/old-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { oldSshGuest } from '../helpers/old-ssh-guest.ts';

test('apply, apply once more, status and rollback of a given bundle', { timeout: 240_000 }, async () => {
  const guest = await oldSshGuest();
  const { ssh, bundle } = guest;
  const before = guest.all();
  const given = [...ssh.words, '--bundle', bundle];
  const dry = await mptfix(['apply', ...given, '--dry-run', '--json']);
  expect(dry, dry.stderr).toMatchObject({ status: 0 });
  expect(json(dry)).toMatchObject({ result: 'planned', plan: null, manifest: null });
  expect(await mptfix(['apply', ...given])).toMatchObject({ status: 2 });
  expect(guest.all()).toEqual(before);

  const applied = await mptfix(['apply', ...given, '--yes', '--json']);
  expect(applied, applied.stderr).toMatchObject({ status: 0 });
  expect(json(applied)).toMatchObject({ result: 'patched', manifest: { generation: 1 } });
  expect(await text(guest, guest.modulePath)).toBe(String(guest.content.bytes));
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
  expect(readdirSync(join(guest.root, 'var/run'))).toEqual([]);

  const again = await mptfix(['apply', ...given, '--yes', '--json']);
  expect(again, again.stderr).toMatchObject({ status: 0 });
  expect(json(again)).toMatchObject({ result: 'nothing-to-do' });

  const undone = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(undone, undone.stderr).toMatchObject({ status: 0 });
  expect(json(undone)).toMatchObject({ result: 'rolled-back', generations: [1] });
  expect(guest.all()).toEqual(before);
  const none = await mptfix(['rollback', ...ssh.words, '--yes', '--json']);
  expect(json(none)).toMatchObject({ result: 'nothing-to-do' });
});
