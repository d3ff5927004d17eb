import { expect, test } from 'vitest';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import { journalSource, kernelBufferSource } from '../../src/diagnose/sources.ts';
import type { Target } from '../../src/machine/port.ts';
import type { Argv, RunOptions, RunResult } from '../../src/machine/program.ts';
import { failureOf } from '../machine/temporary.ts';

/** What a program prints, and its status. */
type Answer = readonly [status: number, stdout: string, stderr: string];

/** This machine as a user sees it for whom programs answer so. Nothing else of the port is needed here. */
function machine(answers: Readonly<Record<string, Answer>>): Target {
  const run = async ([program]: Argv, { onChunk }: RunOptions): Promise<RunResult> => {
    const [status, stdout, stderr] = answers[program] ?? [127, '', 'not found'];
    if (stdout !== '') await onChunk?.(Buffer.from(stdout));
    return { status, stdout: Buffer.from(onChunk === undefined ? stdout : ''), stderr } as RunResult;
  };
  const part: Partial<Target> = {
    kind: 'local',
    name: 'this machine',
    run,
    findProgram: async (name) => `/usr/bin/${name}`,
    readText: async () => undefined,
  };
  return part as Target;
}

const RESTRICTED: Readonly<Record<string, Answer>> = {
  dd: [1, '', "dd: failed to open '/dev/kmsg': Operation not permitted\n"],
  dmesg: [1, '', 'dmesg: read kernel buffer failed: Operation not permitted\n'],
};
const READABLE: Readonly<Record<string, Answer>> = {
  dd: [
    1,
    '6,1,1000,-;usb 1-1: new device\n',
    "dd: error reading '/dev/kmsg': Resource temporarily unavailable\n",
  ],
};
const HIDDEN: Answer = [
  0,
  '',
  "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups 'adm', 'systemd-journal' can see all messages.\n",
];
const NO_FILES: Answer = [0, '', 'No journal files were opened due to insufficient permissions.\n'];
const OPEN: Answer = [0, '2008-06-12T11:20:00+0000 guest1 kernel: usb 1-1: new device\n', ''];

async function looked(answers: Readonly<Record<string, Answer>>) {
  const target = machine(answers);
  const journal = await journalSource(target, Date.now());
  if (journal === undefined) throw new Error('no journal');
  return diagnose({
    sources: [journal, await kernelBufferSource(target, Date.now())],
    ...{ named: false, live: true, names: null, facts: {}, onProblem: () => {} },
  });
}

test.each([
  ['own entries only', HIDDEN],
  ['no file at all', NO_FILES],
])('a user to whom journald shows %s, and the kernel nothing, is told so', async (_, journalctl) => {
  const problem = await failureOf(looked({ ...RESTRICTED, journalctl }));
  expect(problem.code).toBe('E_LOG_MISSING');
  expect(problem.what).toMatch(
    /journald: journalctl shows this user no entries of the kernel: .*systemd-journal/,
  );
});

test('what journald hides is no “all is well”, though the kernel’s buffer can be read', async () => {
  const found = await looked({ ...READABLE, journalctl: HIDDEN });
  expect(found).toMatchObject({ verdict: 'cannot-tell', looked: { kernelLines: 1 } });
  expect(found.cannotTell).toEqual([expect.stringContaining('journald')]);
});

test('what the kernel keeps from the user is no “all is well” either', async () => {
  const found = await looked({ ...RESTRICTED, journalctl: OPEN });
  expect(found.cannotTell).toEqual([expect.stringMatching(/may not read it \(kernel\.dmesg_restrict\)/)]);
});

test('a journal without an entry has no line', async () => {
  const found = await looked({ ...READABLE, journalctl: [0, '-- No entries --\n', ''] });
  expect(found.logs.map(({ name, lines }) => [name, lines])).toEqual([
    ['journald', 0],
    ['kernel buffer', 1],
  ]);
});

test('with both read, nothing is hidden', async () => {
  expect(await looked({ ...READABLE, journalctl: OPEN })).toMatchObject({ verdict: 'none', unread: [] });
});
