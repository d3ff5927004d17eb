import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generations } from '../../src/install/generations.ts';
import { planRollback, rollback } from '../../src/install/rollback.ts';
import { LIMITS } from '../../src/limits.ts';
import { journal, leftovers } from '../../src/transaction/store.ts';
import { finishOpen } from '../faults/finish-open.ts';
import { listing } from '../helpers/listing.ts';
import { failureOf } from '../machine/temporary.ts';
import { installed, RELEASE, type SmallGuest, smallGuest } from './small-guest.ts';

const STATE = 'var/lib/mptfix';
const FIRST = `${STATE}/generations/1`;

describe('a state that others could have written is not believed (E_STATE_UNSAFE):', () => {
  const spoils: Readonly<Record<string, (at: (path: string) => string) => void>> = {
    'writable for all': (at) => chmodSync(at(STATE), 0o777),
    'writable for a group': (at) => chmodSync(at(STATE), 0o770),
    'somebody else’s': (at) => chownSync(at(STATE), 1234, 0),
    'with generations that are writable for others': (at) => chmodSync(at(`${STATE}/generations`), 0o702),
    'with somebody else’s generations': (at) => chownSync(at(`${STATE}/generations`), 1234, 0),
    'a link': (at) => {
      renameSync(at(STATE), at('var/lib/moved'));
      symlinkSync('moved', at(STATE));
    },
    'with generations behind a link': (at) => {
      renameSync(at(`${STATE}/generations`), at('var/lib/moved'));
      symlinkSync('../moved', at(`${STATE}/generations`));
    },
    'a file': (at) => {
      rmSync(at(STATE), { recursive: true });
      writeFileSync(at(STATE), '');
    },
  };
  for (const [name, spoil] of Object.entries(spoils)) {
    test(name, async () => {
      const guest = await smallGuest();
      await installed(guest);
      spoil((path) => join(guest.root, path));
      const before = listing(guest.root);
      const { code, next } = await failureOf(generations(guest.target));
      expect([code, next]).toEqual(['E_STATE_UNSAFE', expect.stringContaining('chmod 700')]);
      expect(listing(guest.root)).toEqual(before);
    });
  }
});

describe('a file that is not as it was written is refused by its name:', () => {
  const MODULE = '/lib/modules/6.1.0-9-amd64/kernel/drivers/message/fusion/mptscsih.ko';
  const record = {
    path: MODULE,
    sha256: '0'.repeat(64),
    size: 1,
    mode: '0644',
    uid: 0,
    gid: 0,
    mtime: '1.000000000',
  };
  const files = [{ path: MODULE, original: record, backup: 'x' }];
  const whole = {
    schema: 'mptfix.transaction/1',
    purpose: 'install',
    number: 1,
    created: '2024-01-01T00:00:00.000Z',
    kernel: '6.1.0-9-amd64',
    steps: [{ kind: 'module', like: MODULE, files }],
    folders: [],
    state: { made: [], parent: null },
  };
  const originals = (more: object) => JSON.stringify({ ...whole, ...more });
  const ofModule = (more: object) =>
    originals({
      steps: [{ kind: 'module', like: MODULE, files: [{ path: MODULE, backup: null, ...more }] }],
    });
  test('and one that is as it was written is not', async () => {
    const guest = await smallGuest();
    await installed(guest);
    rmSync(join(guest.root, FIRST, 'manifest.json'));
    writeFileSync(join(guest.root, FIRST, 'originals.json'), originals({}));
    expect((await generations(guest.target)).map(({ kernel }) => kernel)).toEqual(['6.1.0-9-amd64']);
  });
  /** What mptfix 0.1 wrote before its steps had kinds. */
  const EARLIER = {
    schema: 'mptfix.originals/1',
    generation: 1,
    kernel: 'x',
    files: [{ path: '/x', original: record, backup: 'x', step: 'module' }],
    folders: [],
  };
  test('also that of an earlier version, with what to do; nothing of it is taken away', async () => {
    const guest = await smallGuest();
    await installed(guest);
    writeFileSync(join(guest.root, FIRST, 'originals.json'), JSON.stringify(EARLIER));
    const before = listing(guest.root);
    for (const act of [
      () => generations(guest.target),
      () => finishOpen(guest.target),
      () => installed(guest, 3),
    ]) {
      const { code, next } = await failureOf(act());
      expect([code, next]).toEqual([
        'E_STATE_UNSAFE',
        expect.stringMatching(/earlier version.*undo it.*by hand/),
      ]);
    }
    expect(listing(guest.root)).toEqual(before);
  });
  test.each([
    ['originals.json', ''],
    ['originals.json', '{"schema":"mptfix.transaction/1"'],
    ['originals.json', 'null'],
    ['originals.json', '[]'],
    ['originals.json', '{"files":[{"path":"/etc/shadow"}]}'],
    ['originals.json', JSON.stringify(EARLIER)],
    ['originals.json', originals({ schema: 'mptfix.transaction/2' })],
    ['originals.json', originals({ kernel: 6 })],
    ['originals.json', originals({ kernel: '6.1/../../../../host' })],
    ['originals.json', originals({ kernel: '--outdir=/host' })],
    ['originals.json', originals({ number: 2 })],
    ['originals.json', originals({ purpose: 'harden' })],
    ['originals.json', originals({ steps: [{ kind: 'unheard-of' }] })],
    ['originals.json', ofModule({})],
    ['originals.json', ofModule({ original: { ...record, mode: '644' } })],
    ['originals.json', ofModule({ original: { ...record, mtime: '1' } })],
    ['originals.json', ofModule({ original: { ...record, sha256: 'x' } })],
    ['manifest.json', '{}'],
    ['manifest.json', '{"schema":"mptfix.manifest/1","generation":1}'],
  ])('%s of %j', async (name, text) => {
    const guest = await smallGuest();
    await installed(guest);
    const path = join(guest.root, FIRST, name);
    writeFileSync(path, text);
    const { code, what } = await failureOf(generations(guest.target));
    expect([code, what.startsWith(`/${FIRST}/${name} is not as`)]).toEqual(['E_STATE_UNSAFE', true]);
  });
});

describe('the journal’s last word counts:', () => {
  const line = (event: string) => `${JSON.stringify({ time: '2024-01-01T00:00:00.000Z', event })}\n`;
  test.each([
    ['', 'open'],
    [line('begin'), 'open'],
    [line('begin') + line('committed'), 'installed'],
    [line('begin') + line('committed') + line('rolling-back'), 'open'],
    [line('begin') + line('committed') + line('rolling-back') + line('rolled-back'), 'rolled-back'],
    [line('begin') + line('committed').slice(0, -5), 'open'],
    [line('begin') + line('committed') + line('unheard-of') + line(''), 'installed'],
    [`${line('begin')}\0\0\0\0${line('committed')}`, 'open'],
    ['null\n1\n"begin"\n[]\n', 'open'],
  ])('%j', async (text, state) => {
    const guest = await smallGuest();
    await installed(guest);
    writeFileSync(join(guest.root, FIRST, 'journal.ndjson'), text);
    expect((await generations(guest.target)).map((generation) => generation.state)).toEqual([state]);
  });

  test('a line has a time and an event, and is added at the end', async () => {
    const guest = await smallGuest();
    mkdirSync(join(guest.root, FIRST), { recursive: true });
    await journal(guest.target, `/${FIRST}`, 'begin');
    await journal(guest.target, `/${FIRST}`, 'committed');
    const lines =
      (await guest.target.readText(`/${FIRST}/journal.ndjson`, LIMITS.moduleBytes))?.trim().split('\n') ?? [];
    expect(lines.map((text) => JSON.parse(text))).toEqual(
      ['begin', 'committed'].map((event) => ({ event, time: expect.stringMatching(/^\d{4}-.*Z$/) })),
    );
  });
});

describe('generations', () => {
  const numbers = async (guest: SmallGuest) => (await generations(guest.target)).map(({ number }) => number);

  test('are read in the order of their numbers, and other names are none', async () => {
    const guest = await smallGuest();
    expect(await numbers(guest)).toEqual([]);
    for (const number of [1, 2, 3]) expect((await installed(guest, number + 1)).generation).toBe(number);
    const at = (name: string) => join(guest.root, STATE, 'generations', name);
    renumber(at('2'), at('10'), 10);
    const none = ['-1', '..x', '0', '01', '1x', '999999999', '9999999999', 'lost+found'];
    for (const name of none) mkdirSync(at(name));
    writeFileSync(at('4'), '');
    symlinkSync('1', at('5'));
    expect(await numbers(guest)).toEqual([1, 3, 10]);
    expect(await leftovers(guest.target, 'install')).toEqual(
      [...none, '4', '5'].toSorted().map((name) => `/${STATE}/generations/${name}`),
    );
    expect((await installed(guest, 9)).generation).toBe(11);
  });

  test('with the largest number: all can be rolled back, and there is no next one, which is said before a write', async () => {
    const guest = await smallGuest();
    const before = guest.modules();
    await installed(guest);
    const at = (name: string) => join(guest.root, STATE, 'generations', name);
    renumber(at('1'), at('999998'), 999_998);
    expect((await installed(guest, 3)).generation).toBe(999_999);
    const full = listing(guest.root);
    const { code, what } = await failureOf(installed(guest, 4));
    expect([code, what]).toEqual([
      'E_STATE_UNSAFE',
      expect.stringContaining('generations/999999 has the largest'),
    ]);
    expect(listing(guest.root)).toEqual(full);
    const { undo } = await planRollback(guest.target, { kernel: RELEASE, to: 0, force: false });
    for (const generation of undo) await rollback(guest.target, generation);
    expect([undo.length, guest.modules()]).toEqual([2, before]);
  });
});

/** As if so many had been installed before it. */
function renumber(from: string, to: string, number: number): void {
  renameSync(from, to);
  for (const [name, field] of [
    ['originals.json', 'number'],
    ['manifest.json', 'generation'],
  ] as const) {
    const path = join(to, name);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), [field]: number }));
  }
}
