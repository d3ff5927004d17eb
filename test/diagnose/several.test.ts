import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../helpers/cli.ts';
import { temporary } from '../machine/temporary.ts';
import { DRIVER_BUG, syslog, WINDOW_USED_UP } from './sequences.ts';

/** Four guests: one hit twice, one by a long outage, one that is well, one without a log. */
async function guests(): Promise<Readonly<Record<'hit' | 'slow' | 'well' | 'bare', string>>> {
  const folder = await temporary({
    'hit/var/log/messages':
      syslog('Jun 12 11:20:', DRIVER_BUG, 'web1') + syslog('Jun 13 15:40:', WINDOW_USED_UP, 'web1'),
    'slow/var/log/messages': syslog('Jun 12 11:21:', WINDOW_USED_UP, 'web2'),
    'well/var/log/messages': syslog('Jun 12 09:00:', ['EXT3-fs: mounted filesystem'], 'web3'),
    'bare/etc/hostname': 'web4\n',
  });
  const at = (name: string): string => join(folder, name);
  return { hit: at('hit'), slow: at('slow'), well: at('well'), bare: at('bare') };
}

const rootsOf = (folders: readonly string[]): readonly string[] => folders.flatMap((one) => ['--root', one]);

describe('several guests', () => {
  test('are a line each, with the worst incident, and what to do about each', async () => {
    const { hit, slow, well } = await guests();
    const run = await mptfix(['diagnose', ...rootsOf([hit, slow, well])]);
    expect(run.status).toBe(0);
    const [heads, ...rows] = run.stdout.split('\n');
    expect(heads).toMatch(/^guest +verdict +when +host +disks +file systems +lines$/);
    expect(rows[0]).toMatch(/\/hit +this-bug +20\d\d-06-12T\S+ +web1 +sda +sda journal-aborted +20 of 20$/);
    expect(rows[1]).toMatch(/\/hit +and 1 more$/);
    expect(rows[2]).toMatch(/\/slow +window-used-up +20\d\d-06-12T\S+ +web2 +sda/);
    expect(rows[3]).toMatch(/\/well +none .* 1 of 1$/);
    // Typed as they stand there, they are about that guest.
    expect(run.stdout).toContain(`mptfix check --root ${hit}`);
    expect(run.stdout).toContain(`mptfix harden --root ${slow}`);
  });

  test('are one document, the one whose logs are not there with its error, which is the exit status', async () => {
    const { hit, bare, well } = await guests();
    const run = await mptfix(['diagnose', '--json', ...rootsOf([hit, bare, well])]);
    expect(run.status).toBe(3);
    const { schema, exitStatus, results } = json(run);
    expect([schema, exitStatus]).toEqual(['mptfix.diagnoses/1', 3]);
    expect(
      results.map(
        (one: {
          guest: string;
          exitStatus: number;
          output: { verdict?: string; error?: { code: string } };
        }) => [one.guest, one.exitStatus, one.output.verdict ?? one.output.error?.code],
      ),
    ).toEqual([
      [hit, 0, 'this-bug'],
      [bare, 3, 'E_LOG_MISSING'],
      [well, 0, 'none'],
    ]);
  });

  test('and files do not go together', async () => {
    const { hit, slow } = await guests();
    const run = await mptfix(['diagnose', ...rootsOf([hit, slow]), '/var/log/messages']);
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('E_USAGE')]);
  });
});

describe('--summary', () => {
  test('is a line for each incident, and one for a guest without any', async () => {
    const { hit, slow, well, bare } = await guests();
    const run = await mptfix(['diagnose', '--summary', ...rootsOf([hit, slow, well, bare])]);
    expect(run.status).toBe(3);
    const rows = run.stdout
      .split('\n')
      .slice(1, 6)
      .map((row) =>
        row
          .replace(/^\S+\//, '')
          .split(/ +/)
          .slice(0, 2),
      );
    expect(rows).toEqual([
      ['hit', 'this-bug'],
      ['hit', 'window-used-up'],
      ['slow', 'window-used-up'],
      ['well', 'none'],
      ['bare', 'E_LOG_MISSING'],
    ]);
  });

  test('takes one guest, and files', async () => {
    const { hit, well } = await guests();
    const one = await mptfix(['diagnose', '--summary', '--root', hit]);
    expect([one.status, one.stdout.trimEnd().split('\n')]).toEqual([
      0,
      expect.objectContaining({ length: 3 }),
    ]);
    const files = [join(hit, 'var/log/messages'), join(well, 'var/log/messages')];
    const both = await mptfix(['diagnose', '--summary', '--json', ...files]);
    expect(json(both)).toMatchObject({
      schema: 'mptfix.diagnoses/1',
      results: [{ guest: files.join(' '), output: { verdict: 'this-bug', looked: { lines: 21 } } }],
    });
  });

  test('says of a guest that nothing was recognised', async () => {
    const root = await temporary({ 'var/log/messages': 'hello\n' });
    const run = await mptfix(['diagnose', '--summary', '--root', root]);
    expect(run.status).toBe(3);
    expect(run.stdout).toMatch(/ cannot-tell +its one line is not a kernel’s message .* 0 of 1$/m);
  });
});
