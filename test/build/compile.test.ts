import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CompileOptions, compileModule } from '../../src/build/compile.ts';
import { withNamedTools } from '../../src/build/toolchain/named-tools.ts';
import { MACHINE } from '../../src/build/toolchain/toolchain.ts';
import { isElf } from '../../src/elf/elf.ts';
import type { Workspace } from '../../src/work/workspace.ts';
import { listing } from '../helpers/listing.ts';
import {
  type Entries,
  failureOf,
  put,
  sh,
  temporary,
  until,
  workspaceForTest,
} from '../machine/temporary.ts';

/** A build folder as small as can be: its rule compiles the one file, and tells who did and how. */
const MAKEFILE = `modules:
\t@cat $(M)/Kbuild
\t@echo "uid=$$(id -u) groups=$$(id -G) home=$$HOME leak=$$MPTFIX_LEAK"
\tgcc -g -c $(M)/mptscsih.c -I$(M)/lsi -o $(M)/mptscsih.ko
`;
const GOOD = '#include "mpi.h"\nint mptscsih_io_done(void) { return ANSWER; }\n';

async function compile(
  code: string,
  more: Partial<CompileOptions> = {},
  makefile = MAKEFILE,
  entries: Entries = {},
  version = '6.1.9',
) {
  const base = await temporary();
  const workspace = await workspaceForTest(base);
  await put(workspace.folder, { 'headers/Makefile': makefile, ...entries });
  const run = compileModule({
    workspace,
    headers: {
      folder: '/headers',
      binds: [{ from: workspace.at('headers'), to: '/headers' }],
      version,
    },
    files: new Map([
      ['mptscsih.c', Buffer.from(code)],
      ['lsi/mpi.h', Buffer.from('#define ANSWER 42\n')],
    ]),
    module: 'mptscsih',
    label: 'patched',
    toolchain: MACHINE,
    progress: { note: () => {}, bytes: () => {} },
    signal: new AbortController().signal,
    ...more,
  });
  return { base, workspace, run };
}

test('a module is compiled by an unprivileged user, and has no debug information', async () => {
  process.env.MPTFIX_LEAK = 'secret';
  const notes: string[] = [];
  const { workspace, run } = await compile(GOOD, {
    progress: { note: (text) => notes.push(text), bytes: () => {} },
  });
  const { bytes, log, command } = await run;
  delete process.env.MPTFIX_LEAK;
  expect(isElf(bytes)).toBe(true);
  expect(bytes.includes('.debug_info')).toBe(false);
  const uid = workspace.user?.uid;
  expect(uid).toBeGreaterThan(0);
  const who = `uid=${uid} groups=${uid} home=/build/module leak=`;
  expect(notes).toContain(who);
  expect(statSync(workspace.at('patched/mptscsih.ko')).uid).toBe(uid);
  expect(command).toEqual(['make', '-C', '/headers', 'M=/build/module', 'modules']);
  expect(log.startsWith(`${command.join(' ')}\n`)).toBe(true);
  expect(log).toContain(`${who}\n`);
});

test('only the one module is built, with the driver’s own flags', async () => {
  const { workspace, run } = await compile(GOOD);
  await run;
  expect(readFileSync(workspace.at('patched/Kbuild'), 'utf8')).toBe(
    'include $(src)/Makefile\nobj-y :=\nobj-m := mptscsih.o\n',
  );
});

test('the code that is compiled cannot write to this machine', async () => {
  const outside = await temporary({ file: 'x' });
  const before = listing(outside);
  const hostile = `modules:\n\techo hacked > ${outside}/file\n`;
  const { run } = await compile(GOOD, {}, hostile);
  const { code, log } = await failureOf(run);
  expect([code, readFileSync(log ?? '', 'utf8')]).toEqual([
    'E_BUILD',
    expect.stringMatching(/nonexistent|No such file/),
  ]);
  expect(listing(outside)).toEqual(before);
});

describe('a failed build is E_BUILD', () => {
  test('with the compiler’s first error, and all that was said in a log that is kept', async () => {
    const { base, workspace, run } = await compile('int first(void) { return nowhere; }\nint second( {\n');
    const { code, what, log } = await failureOf(run);
    expect(code).toBe('E_BUILD');
    expect(what).toMatch(/^mptscsih\.ko could not be built: .*mptscsih\.c:1:\d+: error: .*nowhere/);
    await workspace.dispose();
    const text = readFileSync(log ?? '', 'utf8');
    expect(text).toMatch(/^make -C .*\n/);
    expect(text).toMatch(/mptscsih\.c:2/);
    expect([dirname(dirname(log ?? '')), statSync(log ?? '').mode & 0o777]).toEqual([base, 0o600]);
  });

  test('where make is content and there is no module', async () => {
    const { run } = await compile(GOOD, {}, 'modules:\n\t@echo nothing to do\n');
    const { code, log } = await failureOf(run);
    expect([code, readFileSync(log ?? '', 'utf8')]).toEqual([
      'E_BUILD',
      expect.stringContaining('nothing to do\n'),
    ]);
  });

  test('where a link stands in the module’s place: it is not read through', async () => {
    const { run } = await compile(GOOD, {}, 'modules:\n\t@ln -s /etc/passwd $(M)/mptscsih.ko\n');
    expect((await failureOf(run)).code).toBe('E_BUILD');
  });

  test('where make itself does not know what to do', async () => {
    const { run } = await compile(GOOD, {}, 'all:\n');
    expect((await failureOf(run)).what).toContain("No rule to make target 'modules'");
  });

  test('on a kernel for which no way is known, before anything is run', async () => {
    const { workspace, run } = await compile(GOOD, {
      headers: { folder: '/none', binds: [], version: '2.4.21' },
    });
    expect((await failureOf(run)).what).toContain('2.4.21');
    expect(await workspace.machine.list(workspace.folder)).toEqual(['headers']);
  });
});

test('a stopped build is no failed build', async () => {
  const controller = new AbortController();
  const { run } = await compile(
    GOOD,
    {
      signal: controller.signal,
      progress: { note: () => controller.abort(new Error('stopped by hand')), bytes: () => {} },
    },
    'modules:\n\t@echo begun\n\t@sleep 60\n',
  );
  await expect(run).rejects.toThrow('stopped by hand');
});

describe('a build that is begun before the driver is there', () => {
  const FILES = new Map([
    ['mptscsih.c', Buffer.from(GOOD)],
    ['Makefile', Buffer.from('# the driver’s own\n')],
    ['lsi/mpi.h', Buffer.from('#define ANSWER 42\n')],
  ]);
  /** As kbuild has it: first what it does in any case, then another make that reads the module's Kbuild. */
  const TWO_STEPS = `modules:
\t@echo first
\t@$(MAKE) -f Makefile.build src=$(M) M=$(M) second
`;
  const SECOND = `include $(M)/Kbuild
second:
\t@echo second $(obj-m)
\tgcc -c $(M)/mptscsih.c -I$(M)/lsi -o $(M)/mptscsih.ko
`;

  /** Whether anything of the build's make still runs. */
  function isAtWork(workspace: Workspace): boolean {
    return sh('ps -eo args= | grep -F "$1" | grep -v grep || true', workspace.at('patched')) !== '';
  }

  async function begun(makefile = TWO_STEPS) {
    const coming = Promise.withResolvers<ReadonlyMap<string, Uint8Array>>();
    const notes: string[] = [];
    const controller = new AbortController();
    const { workspace, run } = await compile(
      GOOD,
      {
        files: coming.promise,
        signal: controller.signal,
        progress: { note: (text) => notes.push(text), bytes: () => {} },
      },
      makefile,
      { 'headers/Makefile.build': SECOND },
    );
    run.catch(() => {});
    return { coming, notes, controller, workspace, run };
  }

  test('does what it can, waits, and continues when the driver comes', async () => {
    const { coming, notes, run, workspace } = await begun();
    await until(() => notes.includes('first'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(notes).not.toContain('second mptscsih.o');
    coming.resolve(FILES);
    const { bytes, log } = await run;
    expect(isElf(bytes)).toBe(true);
    expect(log.match(/first|second mptscsih.o/g)).toEqual(['first', 'second mptscsih.o']);
    expect(statSync(workspace.at('patched/mptscsih.c')).uid).toBe(workspace.user?.uid);
  });

  test('is begun again where make did not wait', async () => {
    const { coming, notes, run, workspace } = await begun(`modules:
\t@echo try
\t@$(MAKE) -f Makefile.build src=$(M) M=$(M) second < /dev/null
`);
    await until(() => notes.some((text) => text.includes('***')) && !isAtWork(workspace));
    coming.resolve(FILES);
    const { bytes, log } = await run;
    expect([isElf(bytes), log.match(/try/g)]).toEqual([true, ['try']]);
  });

  test('ends with what kept the driver from coming, when make has ended', async () => {
    const { coming, notes, run, workspace } = await begun();
    await until(() => notes.includes('first'));
    coming.reject(new Error('the archive is damaged'));
    await expect(run).rejects.toThrow('the archive is damaged');
    expect(isAtWork(workspace)).toBe(false);
  });

  test('is stopped as any other', async () => {
    const { notes, run, controller } = await begun();
    await until(() => notes.includes('first'));
    controller.abort(new Error('stopped by hand'));
    await expect(run).rejects.toThrow('stopped by hand');
  });

  test('writes nothing outside its folder where links were put into its place', async () => {
    const outside = await temporary({});
    const { coming, run, notes } = await begun(`modules:
\t@mv $(M) $(M).away || echo held
\t@ln -s ${outside} $(M)/lsi && ln -s ${outside}/file $(M)/mptscsih.c; echo linked; cat
`);
    await until(() => notes.includes('linked'));
    expect(notes).toContain('held');
    coming.resolve(FILES);
    await expect(run).rejects.toThrow();
    expect(listing(outside)).toHaveLength(1);
  });
});

describe('where make sees the driver’s folder', () => {
  const HERE =
    '#include "mpi.h"\nconst char *mptscsih_place(void) { return __FILE__; }\nint mptscsih_io_done(void) { return ANSWER; }\n';
  /** As kbuild calls the compiler: by the folder that it was given. */
  const CALLED = 'modules:\n\tgcc -c $(M)/mptscsih.c -I$(M)/lsi -o $(M)/mptscsih.ko\n';
  const placed = (version: string, label = 'patched', inTree = true) =>
    compile(HERE, { label }, CALLED, inTree ? { 'headers/drivers/message/fusion/Kconfig': '' } : {}, version);

  test.each([
    ['2.6.9', true, 'drivers/message/fusion/mptscsih.c'],
    ['2.6.18', true, 'drivers/message/fusion/mptscsih.c'],
    ['2.6.18', false, '/build/module/mptscsih.c'],
    ['6.1.9', true, '/build/module/mptscsih.c'],
  ])('on %s (it has the place: %s) __FILE__ is %s', async (version, inTree, file) => {
    const { run } = await placed(version, 'patched', inTree);
    expect((await run).bytes.includes(`${file}\0`)).toBe(true);
  });

  test.each(['2.6.9', '6.1.9'])(
    'two builds for %s with __FILE__ in the code are the same one',
    async (version) => {
      const [one, other] = await Promise.all(
        ['patched', 'unchanged'].map(async (label) => (await (await placed(version, label)).run).bytes),
      );
      expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);
    },
  );
});

test('2.6.9 reads its rules from the Makefile, and the driver’s own Makefile is kept beside', async () => {
  const makefile =
    'modules:\n\t@cat $(M)/Makefile $(M)/Makefile.driver\n\tgcc -c $(M)/mptscsih.c -I$(M)/lsi -o $(M)/mptscsih.ko\n';
  const files = new Map([
    ['mptscsih.c', Buffer.from(GOOD)],
    ['Makefile', Buffer.from('# the driver’s own\n')],
    ['lsi/mpi.h', Buffer.from('#define ANSWER 42\n')],
  ]);
  const { run } = await compile(GOOD, { files }, makefile, {}, '2.6.9');
  expect((await run).log).toContain(
    'include $(src)/Makefile.driver\nobj-y :=\nobj-m := mptscsih.o\n# the driver’s own\n',
  );
});

test('a Makefile that today’s make refuses is edited in a copy, and the headers stay as they are', async () => {
  const mixed = `${MAKEFILE}config %config: modules\n\t@echo $@\n`;
  const { workspace, run } = await compile(GOOD, {}, mixed, {}, '2.6.18');
  expect(isElf((await run).bytes)).toBe(true);
  expect(readFileSync(workspace.at('headers/Makefile'), 'utf8')).toBe(mixed);
});

describe('a tool that an admin names', () => {
  const BY_CC = 'modules:\n\t$(CC) -c $(M)/mptscsih.c -I$(M)/lsi -o $(M)/mptscsih.ko && echo made by $(CC)\n';

  test('CC may have several words', async () => {
    const { run } = await compile(GOOD, { makeVars: ['CC=gcc -m32 -ffreestanding'] }, BY_CC);
    const { bytes } = await run;
    expect([isElf(bytes), bytes[4]]).toEqual([true, 1]);
  });

  test('a compiler and a make anywhere on the disk are seen, and not what lies beside them', async () => {
    const mine = await temporary({
      'gcc-of-mine': '#!/bin/sh\necho wrapped; ls "$(dirname "$0")" >&2; exec gcc "$@"\n',
      'make-of-mine': '#!/bin/sh\necho my make; exec make "$@"\n',
      secret: '',
    });
    sh('chmod 755 "$1"/*-of-mine', mine);
    const makeVars = [`CC=${mine}/gcc-of-mine`, `MAKE=${mine}/make-of-mine`];
    const toolchain = await withNamedTools(MACHINE, makeVars);
    const { run } = await compile(GOOD, { makeVars, toolchain }, BY_CC);
    const { log, command } = await run;
    expect(command[0]).toBe(`${mine}/make-of-mine`);
    expect(log).toMatch(/my make\n[\s\S]*wrapped\ngcc-of-mine\nmake-of-mine\n/);
    expect(log).not.toContain('secret');
    const { run: unseen } = await compile(GOOD, { makeVars: [`CC=${mine}/gcc-of-mine`] }, BY_CC);
    expect((await failureOf(unseen)).what).toContain('not found');
  });
});
