import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DUMMY } from '../driver/source/eras.ts';
import { buildableGuest, HEADERS, MODULE, RELEASE } from '../helpers/buildable-guest.ts';
import { json, mptfix } from '../helpers/cli.ts';
import { sh } from '../machine/temporary.ts';

const DRIVER = MODULE.replace('mptscsih', 'mptscsi');
const FUSION = 'drivers/message/fusion';

/** As EXPORT_SYMBOL of a kernel without CRCs shows to depmod. */
const exported = (symbol: string): string =>
  `static const char exported[] __attribute__((section("__ksymtab_strings"), used)) = "${symbol}";`;

/** A module that depmod takes for one of the driver's family. */
function compile(root: string, name: string, imports: string): void {
  sh(
    `printf '%s\\n' "$2" | gcc -c -x c - -o "$1"`,
    join(root, MODULE.replace('mptscsih', name)),
    `static const char name[] __attribute__((section(".modinfo"), used)) = "name=${name}";
     extern int ${imports}(void); int ${name}_symbol(void) { return ${imports}(); }
     ${exported(`${name}_symbol`)}`,
  );
}

const edit = (path: string, change: (text: string) => string): void =>
  writeFileSync(path, change(readFileSync(path, 'utf8')));

let base = '';
let root = '';
let source = '';

/**
 * A guest in the shape of RHEL 4 from Update 3: the code is in mptscsi, mptspi links with it, and a dummy has the old name and
 * pulls both in. No table knows this kernel for one of RHEL 4.
 */
beforeAll(() => {
  base = mkdtempSync('/var/tmp/mptfix-rhel4-');
  sh('chmod 755 "$1"', base);
  [root, source] = [join(base, 'guest'), join(base, 'source')];
  buildableGuest(root, source);
  edit(join(root, HEADERS, 'Makefile'), (text) => text.replaceAll('mptscsih.', 'mptscsi.'));
  sh(
    'cd "$1"; mv mptscsih.c mptscsi.c; sed -i s/name=mptscsih/name=mptscsi/ mptscsi.c',
    join(source, FUSION),
  );
  writeFileSync(join(source, FUSION, 'mptscsih.c'), DUMMY);
  edit(
    join(source, FUSION, 'mptscsi.c'),
    (text) => `${text}\nint mptscsi_symbol(void) { return 1; }\n${exported('mptscsi_symbol')}\n`,
  );
  sh(
    'make -s -C "$1" M="$2" modules; strip --strip-debug "$2/mptscsi.ko"; mv "$2/mptscsi.ko" "$3"; rm "$4"',
    join(root, HEADERS),
    join(source, FUSION),
    join(root, DRIVER),
    join(root, MODULE),
  );
  compile(root, 'mptspi', 'mptscsi_symbol');
  compile(root, 'mptscsih', 'mptspi_symbol');
  sh('depmod -b "$1" "$2"', root, RELEASE);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('RHEL 4, where the usual name is a dummy’s', () => {
  test('check judges the module with the code, and plan, apply, status and rollback work on that one', async () => {
    const shipped = readFileSync(join(root, DRIVER));
    const dummy = readFileSync(join(root, MODULE));
    const checked = await mptfix(['check', '--root', root, '--json']);
    expect([checked.status, json(checked).verdict, json(checked).driver]).toMatchObject([
      10,
      'affected',
      { module: 'mptscsi' },
    ]);

    const given = ['--root', root, '--source', source, '--json'];
    expect(json(await mptfix(['plan', ...given])).module).toMatchObject({
      name: 'mptscsi',
      path: `/${DRIVER}`,
    });

    const applied = await mptfix(['apply', '--yes', '--no-cache', ...given]);
    expect([applied.status, json(applied).error]).toEqual([0, undefined]);
    const { proofs } = json(applied).manifest.artifact;
    const linked = proofs.find(({ name }: { name: string }) => name === 'dependencies').detail;
    expect(linked).toMatch(/mptscsi.* mptspi mptscsih|mptscsi.* mptscsih mptspi/);
    expect(readFileSync(join(root, DRIVER)).equals(shipped)).toBe(false);
    expect(readFileSync(join(root, MODULE)).equals(dummy)).toBe(true);

    const status = json(await mptfix(['status', '--root', root, '--json']));
    expect([status.state, status.module.path]).toEqual(['patched', `/${DRIVER}`]);

    expect((await mptfix(['rollback', '--yes', '--root', root, '--json'])).status).toBe(0);
    expect(readFileSync(join(root, DRIVER)).equals(shipped)).toBe(true);
  });
});
