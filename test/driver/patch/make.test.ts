import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makePatch, type PatchedDriver, reintroduceBranch } from '../../../src/driver/patch/make.ts';
import { disproof } from '../../../src/driver/patch/prove.ts';
import { applyDiff, parseUnified, reverseDiff } from '../../../src/driver/patch/unified.ts';
import { scanDriverSource } from '../../../src/driver/source/scan.ts';
import { isFailure } from '../../../src/errors.ts';
import {
  BRANCH,
  DUMMY,
  ERA_6,
  ERA_24,
  ERA_269,
  ERA_2614,
  ERA_2618,
  ERA_2622,
  ERA_RHEL4_U3,
  ERA_RHEL4_U5,
  eraFile,
  FIXED,
  OVERRUN,
} from '../source/eras.ts';
import { disguise, essence, noise } from '../source/noise.ts';

const NEXUS_LINE = 'sc->result = (DID_BUS_BUSY << 16);';
const BUSY = '(DID_BUS_BUSY << 16) | scsi_status';
const OK = '(DID_OK << 16) | scsi_status';

function patch(text: string, base = '2.6.18', file = 'mptscsih.c'): PatchedDriver {
  const made = makePatch({ text, file, base });
  if (made.kind !== 'patched') throw new Error(`nothing to do: ${made.detail}`);
  return made;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isFailure(error)) return error.failure.code;
    throw error;
  }
  return 'none';
}

test.each([
  ['2.6.14', 'mptscsih.c', '2.6.14', ERA_2614, 'mptscsih-busy'],
  ['2.6.18', 'mptscsih.c', '2.6.18-8.el5', ERA_2618, 'mptscsih-busy'],
  ['a later one with the branch', 'mptscsih.c', '6.1.192', ERA_2618, 'mptscsih-busy'],
  ['RHEL 4', 'mptscsi.c', '2.6.9-34.EL', ERA_RHEL4_U3, 'mptscsi-busy-rhel4'],
])('%s takes the stored diff', (_name, file, base, text, name) => {
  const made = patch(text, base, `/tree/drivers/message/fusion/${file}`);
  expect(made).toMatchObject({ origin: 'stored', name, patched: text.replace(BRANCH, FIXED) });
  expect(made.diff).toContain(`--- a/drivers/message/fusion/${file}\n`);
});

test('the nexus loss keeps its DID_BUS_BUSY', () => {
  const { patched, diff } = patch(ERA_2618);
  expect(patched).toContain(NEXUS_LINE);
  expect(diff).not.toContain(NEXUS_LINE);
});

test('the lines are those of the branch in the text that was given', () => {
  const first = ERA_2618.slice(0, ERA_2618.indexOf(BRANCH)).split('\n').length;
  expect(patch(ERA_2618).lines).toEqual({ first, last: first + 3 });
});

test('outside of the range of the stored diffs it is adapted', () => {
  expect(patch(ERA_2618, '2.6.9')).toMatchObject({
    origin: 'adapted',
    name: 'adapted',
    patched: patch(ERA_2618).patched,
  });
  expect(patch(ERA_2618, 'no version')).toMatchObject({ origin: 'adapted' });
});

const inSuccess = (success: string) => eraFile({ success, overrun: OVERRUN, nexus: true });
const CASES: readonly (readonly [name: string, success: string, patched: string])[] = [
  [
    'braces',
    `if (scsi_status == MPI_SCSI_STATUS_BUSY) { sc->result = ${BUSY}; } else { sc->result = ${OK}; }`,
    `sc->result = ${OK};`,
  ],
  [
    'negated',
    `if (scsi_status != MPI_SCSI_STATUS_BUSY) sc->result = ${OK}; else sc->result = ${BUSY};`,
    `sc->result = ${OK};`,
  ],
  ['ternary', `sc->result = scsi_status == SAM_STAT_BUSY ? ${BUSY} : ${OK};`, `sc->result = ${OK};`],
  [
    'inner ternary',
    'sc->result = ((scsi_status == SAM_STAT_BUSY ? DID_BUS_BUSY : DID_OK) << 16) | scsi_status;',
    'sc->result = (DID_OK << 16) | scsi_status;',
  ],
  [
    'a message in the arm',
    `if (scsi_status == SAM_STAT_BUSY) { printk("busy"); sc->result = ${BUSY}; } else sc->result = ${OK};`,
    `if (scsi_status == SAM_STAT_BUSY) { printk("busy"); sc->result = ${OK}; } else sc->result = ${OK};`,
  ],
  [
    'set first',
    `sc->result = ${OK}; if (scsi_status == SAM_STAT_BUSY) sc->result = ${BUSY};`,
    `sc->result = ${OK}; if (scsi_status == SAM_STAT_BUSY) sc->result = ${OK};`,
  ],
  [
    'a switch',
    `switch (scsi_status) { case SAM_STAT_BUSY: sc->result = ${BUSY}; break; default: sc->result = ${OK}; }`,
    `switch (scsi_status) { case SAM_STAT_BUSY: sc->result = ${OK}; break; default: sc->result = ${OK}; }`,
  ],
  [
    'a number',
    `if (scsi_status == SAM_STAT_BUSY) { foo(); sc->result = 0x20008; } else sc->result = ${OK};`,
    `if (scsi_status == SAM_STAT_BUSY) { foo(); sc->result = (DID_OK << 16) | scsi_status; } else sc->result = ${OK};`,
  ],
  [
    'a variable',
    'int host = DID_OK; if (scsi_status == SAM_STAT_BUSY) host = DID_BUS_BUSY; sc->result = (host << 16) | scsi_status;',
    'int host = DID_OK; if (scsi_status == SAM_STAT_BUSY) host = DID_OK; sc->result = (host << 16) | scsi_status;',
  ],
  [
    'no status in the arm',
    `if (scsi_status == SAM_STAT_BUSY) sc->result = DID_BUS_BUSY << 16; else sc->result = ${OK};`,
    `sc->result = ${OK};`,
  ],
  [
    'one bus only',
    `if (scsi_status == SAM_STAT_BUSY && ioc->bus_type == FC) sc->result = ${BUSY}; else sc->result = ${OK};`,
    `sc->result = ${OK};`,
  ],
];

test.each(CASES)('%s is adapted to', (_name, success, fixed) => {
  const text = inSuccess(success);
  expect(patch(text)).toMatchObject({ origin: 'adapted', patched: inSuccess(fixed) });
});

test('an edit that would turn a lost I/O into a success is not made', () => {
  // DID_OK in the place of DID_BUS_BUSY would leave no status here.
  const text = inSuccess(
    `if (scsi_status == SAM_STAT_BUSY) { foo(); sc->result = DID_BUS_BUSY << 16; } else sc->result = ${OK};`,
  );
  expect(patch(text).patched).toContain(`foo(); sc->result = ${OK};`);
});

test('a branch that other statuses share is left alone', () => {
  const shared = `if (scsi_status == SAM_STAT_BUSY || scsi_status == SAM_STAT_TASK_SET_FULL) sc->result = ${BUSY}; else sc->result = ${OK};`;
  const text = inSuccess(shared);
  expect(scanDriverSource(text, 'mptscsih.c').shape).toBe('affected');
  expect(codeOf(() => patch(text))).toBe('E_PATCH_UNPROVEN');
});

test('a branch in two arms of an #if is left alone', () => {
  const text = inSuccess(`#ifdef A\n${BRANCH}\n#else\n${BRANCH}\n#endif`);
  expect(codeOf(() => patch(text))).toBe('E_PATCH_NO_FIT');
});

test.each([
  ['2.4', ERA_24, 'mptscsih.c', '2.4.21', 'never'],
  ['2.6.9', ERA_269, 'mptscsih.c', '2.6.9', 'never'],
  ['2.6.22', ERA_2622, 'mptscsih.c', '2.6.22', 'fixed'],
  ['6.1', ERA_6, 'mptscsih.c', '6.1.192', 'fixed'],
  ['RHEL 4 U5', ERA_RHEL4_U5, 'mptscsi.c', '2.6.9-55.EL', 'fixed'],
  ['the dummy', DUMMY, 'mptscsih.c', '2.6.9', 'dummy'],
  ['a patched 2.6.18', patch(ERA_2618).patched, 'mptscsih.c', '2.6.18', 'already'],
  [
    'a patched RHEL 4',
    patch(ERA_RHEL4_U3, '2.6.9', 'mptscsi.c').patched,
    'mptscsi.c',
    '2.6.9-34.EL',
    'already',
  ],
])('nothing to do for %s', (_name, text, file, base, reason) => {
  expect(makePatch({ text, file, base })).toMatchObject({ kind: 'nothing', reason });
});

test.each([
  ['another file', 'int main(void) { return 0; }', 'main.c'],
  ['a cut-off file', ERA_2618.slice(0, 1500), 'mptscsih.c'],
  ['a build option', inSuccess(`#ifdef A\n${BRANCH}\n#else\n${FIXED}\n#endif`), 'mptscsih.c'],
])('%s has no branch to patch', (_name, text, file) => {
  expect(codeOf(() => makePatch({ text, file, base: '2.6.18' }))).toBe('E_PATCH_NO_BRANCH');
});

test('a failure names the nearest line', () => {
  const text = inSuccess(`#ifdef A\n${BRANCH}\n#else\n${FIXED}\n#endif`);
  expect(() => patch(text)).toThrow(/line \d+: if \(scsi_status == MPI_SCSI_STATUS_BUSY\)/);
});

test('the diff applies to the text, and in reverse to the outcome', () => {
  for (const text of [
    ERA_2618,
    ERA_2618.replaceAll('\n', '\r\n'),
    ...CASES.map(([, success]) => inSuccess(success)),
  ]) {
    const { patched, diff } = patch(text);
    const parsed = parseUnified(diff).diff;
    expect(applyDiff(text, parsed)).toMatchObject({ text: patched });
    expect(applyDiff(patched, reverseDiff(parsed))).toMatchObject({ text });
  }
});

test('the branch can be put back, and taken out again', () => {
  for (const fixed of [ERA_2622, ERA_6, ERA_6.replaceAll('\n', '\r\n')]) {
    const affected = reintroduceBranch(fixed);
    expect(scanDriverSource(affected, 'mptscsih.c').shape).toBe('affected');
    expect(patch(affected, '6.1.192')).toMatchObject({ origin: 'stored', patched: fixed });
  }
  expect(reintroduceBranch(ERA_2622)).toBe(ERA_2618);
  expect(codeOf(() => reintroduceBranch(ERA_24))).toBe('E_PATCH_NO_FIT');
});

test('whatever a file looks like, only the branch changes', () => {
  const tight = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
  fc.assert(
    fc.property(
      fc.constantFrom(ERA_2614, ERA_2618),
      noise,
      fc.constantFrom('2.6.18', '2.6.9'),
      (era, how, base) => {
        const text = disguise(era, how);
        const { patched } = patch(text, base);
        expect(essence(patched)).toBe(essence(text).replace(tight(essence(BRANCH)), tight(essence(FIXED))));
        expect(makePatch({ text: patched, file: 'mptscsih.c', base })).toMatchObject({ kind: 'nothing' });
      },
    ),
    { numRuns: 200 },
  );
});

test('hostile text gives an answer', () => {
  fc.assert(
    fc.property(fc.nat(ERA_2618.length), fc.nat(60), fc.string({ maxLength: 20 }), (at, length, with_) => {
      const text = ERA_2618.slice(0, at) + with_ + ERA_2618.slice(at + length);
      const code = codeOf(() => makePatch({ text, file: 'mptscsih.c', base: '2.6.18' }));
      expect(['none', 'E_PATCH_NO_BRANCH', 'E_PATCH_NO_FIT', 'E_PATCH_UNPROVEN']).toContain(code);
    }),
    { numRuns: 500 },
  );
});

test('the proof sees what a change does beside the branch', () => {
  const scan = scanDriverSource(ERA_2618, 'mptscsih.c');
  if (scan.shape !== 'affected') throw new Error(scan.detail);
  const prove = (after: string) => disproof(ERA_2618, after, 'mptscsih.c', scan.site);
  const fixed = ERA_2618.replace(BRANCH, FIXED);
  expect(prove(fixed)).toBeUndefined();
  expect(prove(ERA_2618)).toMatch(/affected/);
  expect(prove(fixed.replace(NEXUS_LINE, 'sc->result = (DID_OK << 16);'))).toMatch(/outside/);
  expect(prove(ERA_2618.replace(BRANCH, '\t\t\tsc->result = DID_OK << 16;'))).toMatch(/status lost/);
  expect(prove(ERA_2618.replace(BRANCH, `${FIXED} /*`))).toMatch(/tokens|outside|cut off|cannot/);
  expect(prove(ERA_2618.replace(BRANCH, `${FIXED}\nif (scsi_status == 0x28) sc->result = 0;`))).toMatch(
    /status 0x28/,
  );
});
