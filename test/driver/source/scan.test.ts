import { expect, test } from 'vitest';
import { type SourceShape, scanDriverSource, verdictOfScan } from '../../../src/driver/source/scan.ts';
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
} from './eras.ts';

const BUSY = '(DID_BUS_BUSY << 16) | scsi_status';
const OK = '(DID_OK << 16) | scsi_status';
const inSuccess = (success: string) => eraFile({ success, overrun: OVERRUN, nexus: true });

const ERAS: readonly (readonly [name: string, file: string, shape: SourceShape, text: string])[] = [
  ['2.4', 'mptscsih.c', 'never-had-it', ERA_24],
  ['2.6.9', 'mptscsih.c', 'never-had-it', ERA_269],
  ['2.6.14', 'mptscsih.c', 'affected', ERA_2614],
  ['2.6.18', 'mptscsih.c', 'affected', ERA_2618],
  ['2.6.22', 'mptscsih.c', 'branch-removed', ERA_2622],
  ['6.1', 'mptscsih.c', 'branch-removed', ERA_6],
  ['RHEL 4 U3', 'mptscsi.c', 'affected', ERA_RHEL4_U3],
  ['RHEL 4 U5', 'mptscsi.c', 'requeue-variant', ERA_RHEL4_U5],
  ['RHEL 4 dummy', 'mptscsih.c', 'dummy', DUMMY],
];

test.each(ERAS)('%s: %s is %s', (_name, file, shape, text) => {
  expect(scanDriverSource(text, file).shape).toBe(shape);
});

test.each([
  [
    'braces',
    `if (scsi_status == MPI_SCSI_STATUS_BUSY) { sc->result = ${BUSY}; } else { sc->result = ${OK}; }`,
  ],
  ['negated', `if (scsi_status != MPI_SCSI_STATUS_BUSY) sc->result = ${OK}; else sc->result = ${BUSY};`],
  ['not', `if (!(scsi_status == MPI_SCSI_STATUS_BUSY)) sc->result = ${OK}; else sc->result = ${BUSY};`],
  ['swapped', `if (MPI_SCSI_STATUS_BUSY == scsi_status) sc->result = ${BUSY}; else sc->result = ${OK};`],
  ['SAM_STAT_BUSY', `if (scsi_status == SAM_STAT_BUSY) sc->result = ${BUSY}; else sc->result = ${OK};`],
  ['0x08', `if (scsi_status == 0x08) sc->result = ${BUSY}; else sc->result = ${OK};`],
  [
    'from the reply',
    `if (pScsiReply->SCSIStatus == MPI_SCSI_STATUS_BUSY) sc->result = ${BUSY}; else sc->result = ${OK};`,
  ],
  [
    '0x02',
    `if (scsi_status == SAM_STAT_BUSY) sc->result = (0x02 << 16) | scsi_status; else sc->result = ${OK};`,
  ],
  ['0x20008', `if (scsi_status == SAM_STAT_BUSY) sc->result = 0x20008; else sc->result = ${OK};`],
  [
    'without status',
    `if (scsi_status == SAM_STAT_BUSY) sc->result = DID_BUS_BUSY << 16; else sc->result = ${OK};`,
  ],
  ['ternary', `sc->result = scsi_status == MPI_SCSI_STATUS_BUSY ? ${BUSY} : ${OK};`],
  [
    'inner ternary',
    `sc->result = ((scsi_status == SAM_STAT_BUSY ? DID_BUS_BUSY : DID_OK) << 16) | scsi_status;`,
  ],
  ['set first', `sc->result = ${OK};\nif (scsi_status == SAM_STAT_BUSY)\nsc->result = ${BUSY};`],
  ['or', `sc->result = ${OK};\nif (scsi_status == SAM_STAT_BUSY)\nsc->result |= DID_BUS_BUSY << 16;`],
  [
    'switch',
    `switch (scsi_status) { case SAM_STAT_BUSY: sc->result = ${BUSY}; break; default: sc->result = ${OK}; }`,
  ],
  [
    'variable',
    `int host = DID_OK;\nif (scsi_status == SAM_STAT_BUSY) host = DID_BUS_BUSY;\nsc->result = (host << 16) | scsi_status;`,
  ],
  [
    'helpers',
    'sc->result = scsi_status;\nif (scsi_status == SAM_STAT_BUSY) set_host_byte(sc, DID_BUS_BUSY);',
  ],
  [
    'one bus only',
    `if (scsi_status == SAM_STAT_BUSY && ioc->bus_type == FC) sc->result = ${BUSY}; else sc->result = ${OK};`,
  ],
  ['likely', `if (unlikely(scsi_status == SAM_STAT_BUSY)) sc->result = ${BUSY}; else sc->result = ${OK};`],
  [
    'jump',
    `if (scsi_status == SAM_STAT_BUSY) { sc->result = ${BUSY}; goto out; }\nsc->result = ${OK};\nout:`,
  ],
  [
    'else if',
    `if (scsi_status == SAM_STAT_GOOD) sc->result = 0; else if (scsi_status == SAM_STAT_BUSY) sc->result = ${BUSY}; else sc->result = ${OK};`,
  ],
  [
    'do while',
    `do { if (scsi_status == SAM_STAT_BUSY) sc->result = ${BUSY}; else sc->result = ${OK}; } while (0);`,
  ],
])('affected, written with %s', (_name, success) => {
  expect(scanDriverSource(inSuccess(success), 'mptscsih.c')).toMatchObject({ shape: 'affected' });
});

test.each([
  ['a macro of the file', '#define MPT_BUSY_RESULT (DID_BUS_BUSY << 16)', 'MPT_BUSY_RESULT | scsi_status'],
  ['a macro with a parameter', '#define HOST(x) ((x) << 16)', 'HOST(DID_BUS_BUSY) | scsi_status'],
  [
    'a macro of a macro',
    '#define H(x) ((x) << 16)\n#define R(h, s) (H(h) | (s))',
    'R(DID_BUS_BUSY, scsi_status)',
  ],
])('affected through %s', (_name, before, value) => {
  const success = `if (scsi_status == SAM_STAT_BUSY) sc->result = ${value}; else sc->result = ${OK};`;
  expect(scanDriverSource(eraFile({ before, success }), 'mptscsih.c').shape).toBe('affected');
});

test('a macro that assigns is followed', () => {
  const before = '#define SET_RESULT(c, h, s) do { (c)->result = ((h) << 16) | (s); } while (0)';
  const success =
    'if (scsi_status == SAM_STAT_BUSY) SET_RESULT(sc, DID_BUS_BUSY, scsi_status); else SET_RESULT(sc, DID_OK, scsi_status);';
  expect(scanDriverSource(eraFile({ before, success }), 'mptscsih.c').shape).toBe('affected');
});

test.each([
  [
    'the article',
    `if (scsi_status == MPI_SCSI_STATUS_BUSY)\n// sc->result = ${BUSY};\nsc->result = ${OK};\nelse\nsc->result = ${OK};`,
  ],
  ['a comment', `/* ${BRANCH.trim()} */ sc->result = ${OK};`],
  ['#if 0', `#if 0\n${BRANCH}\n#else\n${FIXED}\n#endif`],
  ['#ifdef 0', `#ifdef 0\n${BRANCH}\n#else\n${FIXED}\n#endif`],
  ['#if 1', `#if 1\n${FIXED}\n#else\n${BRANCH}\n#endif`],
  ['#if 0 && X', `#if 0 && defined(X)\n${BRANCH}\n#endif\n${FIXED}`],
  ['a string', `printk("if (scsi_status == MPI_SCSI_STATUS_BUSY) sc->result = ${BUSY};");\n${FIXED}`],
  ['both arms DID_OK', BRANCH.replace('DID_BUS_BUSY', 'DID_OK')],
  [
    'another status',
    `if (scsi_status == MPI_SCSI_STATUS_TASK_SET_FULL) sc->result = ${BUSY}; else sc->result = ${OK};`,
  ],
  ['dead code', `if (0) sc->result = ${BUSY}; else sc->result = ${OK};`],
])('fixed, with %s', (_name, success) => {
  expect(scanDriverSource(inSuccess(success), 'mptscsih.c').shape).toBe('branch-removed');
});

test.each(['DID_REQUEUE', 'DID_COND_REQUEUE', 'DID_IMM_RETRY'])('%s is the requeue variant', (host) => {
  const scan = scanDriverSource(inSuccess(BRANCH.replace('DID_BUS_BUSY', host)), 'mptscsih.c');
  expect(scan).toMatchObject({ shape: 'requeue-variant', detail: expect.stringContaining(host) });
});

test.each([
  ['an option of the build decides', `#ifdef CONFIG_OLD\n${BRANCH}\n#else\n${FIXED}\n#endif`, /build option/],
  [
    'the status is lost',
    'if (scsi_status != SAM_STAT_BUSY) sc->result = (DID_OK << 16) | scsi_status;',
    /status lost/,
  ],
  ['another host byte', BRANCH.replace('DID_BUS_BUSY', 'DID_SOFT_ERROR'), /DID_SOFT_ERROR/],
  ['an unknown host byte', BRANCH.replace('DID_BUS_BUSY', 'VENDOR_HOST'), /is not clear/],
  [
    'an unknown test',
    `if (vendor_busy(scsi_status)) sc->result = ${BUSY}; else sc->result = ${OK};`,
    /not the test for BUSY/,
  ],
  ['a function sets it', 'vendor_finish(sc, DID_BUS_BUSY);', /passed to a function/],
  ['an else without if', `else sc->result = ${OK};`, /else/],
  [
    'a lone assignment commented out',
    `if (scsi_status == SAM_STAT_BUSY)\n/* sc->result = ${BUSY}; */\nelse\nsc->result = ${OK};`,
    /else/,
  ],
])('unparsable: %s', (_name, success, detail) => {
  const scan = scanDriverSource(inSuccess(success), 'mptscsih.c');
  expect(scan).toMatchObject({ shape: 'unparsable', detail: expect.stringMatching(detail) });
});

test('the branch after the switch is found as well', () => {
  const epilogue = 'if (sc->result == SAM_STAT_BUSY) sc->result |= DID_BUS_BUSY << 16;\n';
  expect(scanDriverSource(eraFile({ success: FIXED, epilogue }), 'mptscsih.c').shape).toBe('affected');
});

test('a result that is overwritten later does not count', () => {
  const epilogue = 'if (scsi_status == SAM_STAT_BUSY) sc->result = (DID_OK << 16) | scsi_status;\n';
  expect(scanDriverSource(eraFile({ success: BRANCH, epilogue }), 'mptscsih.c').shape).toBe('branch-removed');
});

test('options of the build that do not touch the branch do not matter', () => {
  const prologue = Array.from(
    { length: 9 },
    (_, at) => `#ifdef OPTION_${at}\n\tprintk("x");\n#else\n\tfoo();\n#endif\n`,
  ).join('');
  expect(scanDriverSource(eraFile({ success: BRANCH, prologue }), 'mptscsih.c').shape).toBe('affected');
  expect(scanDriverSource(eraFile({ success: FIXED, prologue }), 'mptscsih.c').shape).toBe('branch-removed');
});

test('a branch behind more conditions than can be tried is not overlooked', () => {
  const keys = ['A', 'B', 'C', 'D', 'E', 'F'];
  const open = keys.map((key, at) => `#${at % 2 ? 'ifdef' : 'ifndef'} ${key}\n`).join('');
  const success = `${FIXED}\n${open}${BRANCH}\n${'#endif\n'.repeat(keys.length)}`;
  expect(scanDriverSource(eraFile({ success }), 'mptscsih.c').shape).toBe('unparsable');
});

test('a branch in a function that the routine calls is not overlooked', () => {
  const before = `static void\nfinish(struct scsi_cmnd *sc, u8 s)\n{\n\tif (s == SAM_STAT_BUSY)\n\t\tsc->result = ${BUSY};\n}`;
  const scan = scanDriverSource(
    eraFile({ before, success: `${FIXED}\nfinish(sc, scsi_status);` }),
    'mptscsih.c',
  );
  expect(scan).toMatchObject({ shape: 'unparsable', detail: expect.stringContaining('finish()') });
});

test('a branch before the switch, or for another SCSI state, is not overlooked', () => {
  const prologue = `if (scsi_status == SAM_STAT_BUSY && ioc->bus_type == FC) { sc->result = ${BUSY}; return 1; }\n`;
  expect(scanDriverSource(eraFile({ prologue, success: FIXED }), 'mptscsih.c').shape).toBe('unparsable');
  const success = `${FIXED}\nif (scsi_state && scsi_status == SAM_STAT_BUSY) sc->result = ${BUSY};`;
  expect(scanDriverSource(eraFile({ success }), 'mptscsih.c').shape).toBe('unparsable');
});

test('a definition in the file decides an #ifdef', () => {
  const success = `#ifdef OLD_WAY\n${BRANCH}\n#else\n${FIXED}\n#endif`;
  expect(scanDriverSource(eraFile({ success, before: '#define OLD_WAY' }), 'mptscsih.c').shape).toBe(
    'affected',
  );
  expect(scanDriverSource(eraFile({ success, before: '#undef OLD_WAY' }), 'mptscsih.c').shape).toBe(
    'branch-removed',
  );
});

test('other names of the routine, the command and the variables', () => {
  const text = ERA_2618.replaceAll('sc->', 'SCpnt->')
    .replaceAll('*sc;', '*SCpnt;')
    .replaceAll('scsi_status', 'sstat');
  expect(scanDriverSource(text.replaceAll('mptscsih_io_done', 'mptscsi_io_done'), 'mptscsi.c').shape).toBe(
    'affected',
  );
  expect(scanDriverSource(text.replaceAll('mptscsih_io_done', 'vendor_complete'), 'vendor.c').shape).toBe(
    'affected',
  );
});

test('lines and text are those of the branch', () => {
  const line = ERA_2618.slice(0, ERA_2618.indexOf(BRANCH)).split('\n').length;
  expect(scanDriverSource(ERA_2618, 'mptscsih.c')).toMatchObject({
    lines: { first: line, last: line + 3 },
    text: BRANCH.trimStart(),
  });
});

test.each([
  ['nothing', '', 'x.c'],
  ['another program', 'int main(void) { return 0; }', 'main.c'],
  [
    'another part of the driver',
    '#include "mptscsih.h"\nint init(void) { return mpt_register(mptscsih_io_done); }',
    'mptspi.c',
  ],
  [
    'the driver that came after',
    ERA_2622.replaceAll('MPI_', 'MPI2_').replaceAll('mptscsih', 'scsih'),
    'mpt2sas_scsih.c',
  ],
  ['a header', 'extern int mptscsih_io_done(MPT_ADAPTER *ioc);', 'mptscsih.h'],
])('%s is not this driver', (_name, text, file) => {
  expect(scanDriverSource(text, file).shape).toBe('not-this-driver');
});

test.each([
  ['before the routine', ERA_2618.slice(0, ERA_2618.indexOf('struct scsi_cmnd	*sc;'))],
  ['within the switch', ERA_2618.slice(0, ERA_2618.indexOf('MPI_IOCSTATUS_SUCCESS:'))],
  ['after the branch', ERA_2618.slice(0, ERA_2618.indexOf('MPI_IOCSTATUS_SCSI_PROTOCOL_ERROR'))],
  ['in the first line', '/* a driver'],
])('a file cut off %s is unparsable', (_name, text) => {
  expect(scanDriverSource(text, 'mptscsih.c').shape).toBe('unparsable');
});

test('the version is told where the file has it', () => {
  const text = `#define MPT_LINUX_VERSION_COMMON\t"3.04.02"\n${ERA_2618}`;
  expect(scanDriverSource(text, 'mptscsih.c').version).toBe('3.04.02');
  expect(scanDriverSource(ERA_2618, 'mptscsih.c').version).toBeUndefined();
});

test.each(ERAS)('%s as evidence', (_name, file, shape, text) => {
  const verdicts: Partial<Record<SourceShape, string>> = {
    affected: 'affected',
    'requeue-variant': 'fixed',
    'branch-removed': 'fixed',
    'never-had-it': 'never',
    dummy: 'unknown',
  };
  const evidence = verdictOfScan(scanDriverSource(text, file));
  expect(evidence).toMatchObject({ kind: 'source', verdict: verdicts[shape], file });
});

test('what is not sure is unknown, never fixed', () => {
  expect(verdictOfScan(scanDriverSource('', 'x.c')).verdict).toBe('unknown');
  expect(verdictOfScan(scanDriverSource(ERA_2618.slice(0, 900), 'mptscsih.c')).verdict).toBe('unknown');
});
