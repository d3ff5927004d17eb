import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../../src/package-root.ts';
import { ERAS, EXT2 } from '../../initramfs/era-guest.ts';
import { compiledModule, newc, trailer } from '../../initramfs/images.ts';
import { sh, temporary } from '../../machine/temporary.ts';
import { imageHolds, type OldGuest, oldGuest, SHELLS, text } from '../old-guest.ts';

const RHEL_5 = ERAS[0] as (typeof ERAS)[number];
const { release } = RHEL_5;
const TOOLS = ['sha256sum'];

/** What stands before an image with the microcode of a processor, as iucode_tool and dracut write it. */
const MICROCODE = Buffer.concat([
  ...['kernel', 'kernel/x86', 'kernel/x86/microcode'].map((name) => newc(name, '', { mode: 0o40755 })),
  newc('kernel/x86/microcode/GenuineIntel.bin', Buffer.alloc(20_000, 7)),
  trailer(),
  Buffer.alloc(300),
]);

interface Case {
  readonly name: string;
  /** The image that boots, from what the tool made. */
  readonly image?: (made: Buffer) => Buffer;
  /** What the tool's script does besides; `$target` is the image. */
  readonly tool?: (script: string) => string;
  readonly before?: (guest: OldGuest) => void;
  /** Of the answer; an error's code where it is refused. */
  readonly code?: string;
  readonly status: number;
  readonly says: RegExp;
  /** Whether the image that boots is another one then. */
  readonly rebuilt: boolean;
}

const named = (files: Readonly<Record<string, string>>): Buffer =>
  gzipSync(Buffer.concat([...Object.entries(files).map(([name, body]) => newc(name, body)), trailer()]));

const withMicrocode = (script: string): string =>
  `${script}\ncat /microcode $target > $target.whole; cat $target.whole > $target; rm $target.whole\n`;

const CASES: Case[] = [
  {
    name: 'microcode in front of both images',
    image: (made) => Buffer.concat([MICROCODE, made]),
    tool: withMicrocode,
    status: 0,
    says: /"result":"installed".*and in \/boot/,
    rebuilt: true,
  },
  {
    name: 'microcode, and an archive that is not packed',
    image: (made) => Buffer.concat([MICROCODE, MICROCODE, gunzipSync(made)]),
    tool: withMicrocode,
    status: 0,
    says: /"result":"installed".*and in \/boot/,
    rebuilt: true,
  },
  {
    name: 'microcode in front, and no driver behind it',
    image: () => Buffer.concat([MICROCODE, named({ 'lib/ext3.ko': 'ext3' })]),
    status: 0,
    says: /"result":"installed","detail":"[^"]*\.ko; it is in use/,
    rebuilt: false,
  },
  {
    name: 'microcode alone, cut off',
    image: () => MICROCODE.subarray(0, 9000),
    status: 8,
    code: 'E_INITRAMFS',
    says: /is damaged/,
    rebuilt: false,
  },
  {
    name: 'microcode in front of what nobody knows',
    image: () => Buffer.concat([MICROCODE, Buffer.from('unknown'.repeat(500))]),
    status: 3,
    code: 'E_INITRAMFS_TOOL',
    says: /cannot be told whether it holds the driver/,
    rebuilt: false,
  },
  {
    name: 'microcode in front of the new image, which has the old driver behind it',
    tool: (script) =>
      withMicrocode(script.replace('(cd $image;', 'echo old > $image/lib/mptscsih.ko\n(cd $image;')),
    status: 8,
    code: 'E_INITRAMFS',
    says: /does not hold the new module/,
    rebuilt: false,
  },
  {
    name: 'names without a dot before them',
    image: () => named({ init: 'x', 'lib/mptscsih.ko': 'old', 'bin/nash': 'x' }),
    tool: (script) => script.replace('find . |', 'find bin etc init lib |'),
    status: 0,
    says: /and in \/boot/,
    rebuilt: true,
  },
  {
    name: 'a name that leads out of the image',
    image: () => named({ '/lib/mptscsih.ko': 'from the image' }),
    status: 3,
    code: 'E_INITRAMFS_TOOL',
    says: /cannot be told whether it holds the driver/,
    rebuilt: false,
  },
  {
    name: 'the driver of another kernel',
    image: () => named({ 'lib/modules/2.6.18-8.el5/kernel/mptscsih.ko': 'of another', 'lib/ext3.ko': 'x' }),
    status: 0,
    says: /"detail":"[^"]*\.ko; it is in use/,
    rebuilt: false,
  },
  {
    name: 'a link in the place of the image',
    before: ({ root, image }) => {
      sh('mv "$1" "$1.true"', join(root, image));
      symlinkSync(`initrd-${release}.img.true`, join(root, image));
    },
    status: 8,
    code: 'E_INITRAMFS',
    says: /is a symbolic link/,
    rebuilt: false,
  },
  {
    name: 'a link that leads nowhere in the place of the image',
    before: ({ root, image }) => {
      rmSync(join(root, image));
      symlinkSync('nowhere', join(root, image));
    },
    status: 8,
    code: 'E_INITRAMFS',
    says: /is a symbolic link/,
    rebuilt: false,
  },
  {
    name: 'no image at all',
    before: ({ root, image }) => rmSync(join(root, image)),
    status: 0,
    says: /warning: \/boot has no initramfs of 2\.6\.18/,
    rebuilt: false,
  },
  {
    name: 'an image for crash dumps beside it',
    before: ({ root }) => writeFileSync(join(root, `boot/initrd-${release}kdump.img`), 'image'),
    status: 0,
    says: /and in \/boot\/initrd.*warning: \/boot\/initrd-[^ ]*kdump\.img is not rebuilt/,
    rebuilt: true,
  },
];

for (const loader of ['lilo', 'zipl']) {
  CASES.push({
    name: `a guest that boots by ${loader}`,
    before: ({ root }) => writeFileSync(join(root, 'etc', `${loader}.conf`), 'boot=/dev/sda\n'),
    status: 0,
    says: new RegExp(
      `and in /boot/initrd.*warning: if the guest boots by ${loader}.*run ${loader} in the guest`,
    ),
    rebuilt: true,
  });
}

function emptied({ root }: OldGuest): void {
  for (const name of readdirSync(join(root, 'boot'))) rmSync(join(root, 'boot', name));
}

test('images as the tools of each era and their distros leave them', { timeout: 300_000 }, async () => {
  const guest = await oldGuest(RHEL_5, ['dash'], { tools: TOOLS });
  const { root } = guest;
  const [image, tool] = [join(root, guest.image), join(root, RHEL_5.program)];
  const [made, script] = [readFileSync(image), readFileSync(tool, 'utf8')];
  writeFileSync(join(root, 'microcode'), MICROCODE);
  for (const one of CASES) {
    emptied(guest);
    writeFileSync(image, one.image?.(made) ?? made);
    writeFileSync(tool, one.tool?.(script) ?? script);
    one.before?.(guest);
    const before = guest.all();
    const { status, stdout, stderr } = guest.run('apply', '--yes', '--json');
    const said = `${one.name}: ${stdout}${stderr}`;
    expect(status, said).toBe(one.status);
    expect(stdout, said).toMatch(/^\{[^\n]*\}\n$/);
    expect(stdout, said).toMatch(one.says);
    if (one.code !== undefined) expect(JSON.parse(stdout).error.code, said).toBe(one.code);
    expect(existsSync(join(root, `${guest.image}.mptfix-1`)), said).toBe(one.rebuilt);
    if (status === 0) {
      const undone = guest.run('rollback', '--yes');
      expect(undone, said).toMatchObject({ status: 0, stderr: '' });
      expect(undone.stdout.includes('run lilo in') || undone.stdout.includes('run zipl in'), said).toBe(
        one.name.startsWith('a guest that boots by'),
      );
    }
    expect(guest.all(), said).toEqual(before);
    expect(existsSync(join(root, 'lib/mptscsih.ko')), said).toBe(false);
    for (const name of ['var/lib/mptfix', 'etc/lilo.conf', 'etc/zipl.conf'])
      rmSync(join(root, name), { recursive: true, force: true });
  }
});

test('each image of one kernel is built by its own tool, all or none', { timeout: 240_000 }, async () => {
  const [ubuntu] = ERAS.filter(({ name }) => name === 'Ubuntu 6.06');
  const guest = await oldGuest(RHEL_5, ['dash'], { tools: [...TOOLS, 'sha1sum'] });
  const second = `/boot/initrd.img-${release}`;
  const mkinitramfs = join(guest.root, 'sbin/mkinitramfs');
  writeFileSync(mkinitramfs, ubuntu?.script ?? '', { mode: 0o755 });
  sh(
    'PATH=/bin:/usr/bin TMPDIR=/tmp /usr/sbin/chroot "$1" /sbin/mkinitramfs -o "$2" "$3"',
    guest.root,
    second,
    release,
  );
  const before = guest.all();
  const applied = guest.run('apply', '--yes');
  expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0, stderr: '' });
  for (const image of [guest.image, second])
    expect(await imageHolds({ ...guest, image }, guest.content.bytes)).toBe(true);
  expect(guest.run('rollback', '--yes').status).toBe(0);
  expect(guest.all()).toEqual(before);

  // The first of the two is in its place when the tool of the second fails.
  const first = join(guest.root, RHEL_5.program);
  for (const program of [first, mkinitramfs]) {
    const script = readFileSync(program);
    writeFileSync(program, '#!/bin/sh\nexit 1\n');
    const whole = guest.all();
    expect(guest.run('apply', '--yes').status).toBe(8);
    expect(guest.all()).toEqual(whole);
    writeFileSync(program, script);
  }
});

test('a driver without what is for debuggers is the same driver', { timeout: 240_000 }, async () => {
  const [old, bytes] = [await compiledModule(1), await compiledModule(2)];
  const guest = await oldGuest(RHEL_5, ['dash'], { tools: [...TOOLS, 'strip'], old, bytes });
  const tool = join(guest.root, RHEL_5.program);
  const script = readFileSync(tool, 'utf8');
  const stripping = (file: string): void =>
    writeFileSync(
      tool,
      script.replace(
        'cp $path $image/lib/;',
        `strip -g ${file} -o $image/lib/$file 2>/dev/null || cp $path $image/lib/;`,
      ),
    );
  stripping('$path');
  const applied = guest.run('apply', '--yes');
  expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0, stderr: '' });
  expect(await imageHolds(guest, bytes)).toBe(false);
  expect(guest.run('rollback', '--yes').status).toBe(0);

  // Another one that is stripped as well is told apart.
  writeFileSync(join(guest.root, 'other'), old);
  stripping('/other');
  const before = guest.all();
  expect(guest.run('apply', '--yes')).toMatchObject({
    status: 8,
    stderr: expect.stringContaining('does not hold'),
  });
  expect(guest.all()).toEqual(before);
});

test('an ext2 image that nothing on the guest opens is left as it is, unless by force', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(EXT2, ['dash'], { tools: [...TOOLS, 'mke2fs'] });
  const before = guest.all();
  const refused = guest.run('apply', '--yes', '--json');
  expect([refused.status, JSON.parse(refused.stdout).error]).toEqual([
    3,
    {
      code: 'E_INITRAMFS_TOOL',
      what: expect.stringContaining('cannot be told whether it holds the driver'),
      next: expect.stringMatching(/e2fsprogs.*apply --force/),
    },
  ]);
  expect(guest.all()).toEqual(before);
  const forced = guest.run('apply', '--yes', '--json', '--force');
  expect(forced, forced.stdout).toMatchObject({ status: 0 });
  expect(forced.stdout).toMatch(/^\{[^\n]*holds the new module was not looked at[^\n]*\}\n$/);
  const manifest = JSON.parse(await text(guest, 'var/lib/mptfix/generations/1/manifest.json'));
  expect(manifest.warnings).toHaveLength(2);
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
  expect(guest.run('rollback', '--yes').status).toBe(0);
  expect(guest.all()).toEqual(before);
});

test('an ext2 image is mounted where the guest has no debugfs, and let go of', {
  timeout: 240_000,
}, async () => {
  const guest = await oldGuest(EXT2, ['dash'], { tools: [...TOOLS, 'mke2fs', 'mount', 'umount'] });
  const before = guest.all();
  // Nodes of its own: whatever removes the tree removes no device of this machine.
  sh(
    'cd "$1/dev"; mknod loop-control c 10 237; n=0; while [ $n -lt 64 ]; do mknod loop$n b 7 $n; n=$((n + 1)); done',
    guest.root,
  );
  onTestFinished(() => {
    sh('umount "$1"/var/lib/mptfix/generations/1/tmp/*.mount 2>/dev/null || :', guest.root);
  });
  const applied = guest.run('apply', '--yes');
  expect(applied, applied.stdout + applied.stderr).toMatchObject({ status: 0 });
  expect(applied.stdout).not.toContain('warning');
  expect(await imageHolds(guest, guest.content.bytes)).toBe(true);
  const mounts = (): string => readFileSync('/proc/self/mounts', 'utf8');
  expect(mounts()).not.toContain(`${guest.root}/var`);
  expect(guest.run('rollback', '--yes').status).toBe(0);
  expect(guest.all()).toEqual(before);

  // Killed while it is mounted: the next run lets go of it.
  const umount = join(guest.root, 'bin/umount');
  sh('mv "$1" "$1.true"', umount);
  writeFileSync(umount, '#!/bin/sh\nkill -9 $PPID\n', { mode: 0o755 });
  expect(guest.run('apply', '--yes').signal).toBe('SIGKILL');
  expect(mounts()).toContain(`${guest.root}/var/lib/mptfix`);
  sh('mv "$1.true" "$1"', umount);
  expect(guest.run('rollback', '--yes').status).toBe(0);
  expect(mounts()).not.toContain(`${guest.root}/var`);
  expect(guest.all().filter((line) => !line.startsWith('bin '))).toEqual(
    before.filter((line) => !line.startsWith('bin ')),
  );
});

/** The functions that open images, for a script whose first word is its folder; `$work` is that of a run in it. */
async function functions(): Promise<string> {
  const parts = ['files', 'images'].map((name) =>
    readFile(join(packageRoot(), `src/bundle/sh/${name}.sh`), 'utf8'),
  );
  const variables = `RELEASE=${release} MODULE=mptscsih root= state=$1 generations=$1/generations`;
  return [variables, 'work=$generations/1/tmp; mkdir -p "$work"', ...(await Promise.all(parts))].join('\n');
}

test.each(SHELLS)(
  'under %s an image with microcode and one of ext2 are opened',
  { timeout: 120_000 },
  async (_, shell) => {
    const folder = await temporary({
      'tree/lib/mptscsih.ko': 'driver',
      'tree/sbin/nash': 'program',
      'boot/cpio': Buffer.concat([MICROCODE, named({ 'lib/mptscsih.ko': 'driver', 'sbin/nash': 'program' })]),
    });
    sh('mke2fs -q -F -t ext2 -d "$1/tree" "$1/image" 1000; gzip -c "$1/image" >"$1/boot/ext2"', folder);
    const script = `PATH=$2:$PATH:/sbin:/usr/sbin
    ${await functions()}
    for image in cpio ext2; do
      open_image "$1/boot/$image" "$work/$image" || echo "$image: $?"
      cat "$work/$image.names"
      modules_in "$work/$image" | while read -r file; do cat "$file"; echo; done
    done`;
    const [program = '', ...words] = shell;
    const applets = await temporary();
    if (program === 'busybox') sh('busybox --install -s "$1"; rm -f "$1/mke2fs"', applets);
    const { stdout, stderr } = spawnSync(program, [...words, '-c', script, 'sh', folder, applets], {
      encoding: 'utf8',
    });
    const held = ['module mptscsih', 'program nash', 'driver'];
    expect(
      stdout.split('\n').filter((line) => line !== ''),
      stderr,
    ).toEqual([...held, ...held]);
  },
);

test('what stands before an image is passed over whatever its length, and an image cut anywhere is damaged', {
  timeout: 240_000,
}, async () => {
  const image = gzipSync(
    Buffer.concat([newc('lib/mptscsih.ko', 'driver'), newc('lib/ext3.ko', 'x'), trailer()]),
  );
  const early = fc.tuple(
    fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,30}$/), fc.uint8Array({ maxLength: 3000 })), {
      maxLength: 4,
    }),
    fc.nat({ max: 200 }),
  );
  const before = fc
    .sample(fc.array(early, { minLength: 1, maxLength: 2 }), 10)
    .map((parts) =>
      Buffer.concat(
        parts.flatMap(([files, zeros]) => [
          ...files.map(([name, bytes]) => newc(`kernel/x86/${name}`, Buffer.from(bytes))),
          trailer(),
          Buffer.alloc(zeros * 4),
        ]),
      ),
    );
  const whole = before.map((bytes) => Buffer.concat([bytes, image]));
  const cut = before.flatMap((bytes, at) =>
    [0.1, 0.5, 0.9, 1].map((part) =>
      Buffer.concat([bytes, image]).subarray(0, Math.ceil(bytes.length * part) + (part === 1 ? 0 : at)),
    ),
  );
  const tails = [1, 8, 9, 20, image.length - 1].map((left) => image.subarray(0, -left));
  const images = [...whole, ...cut, ...tails];
  const folder = await temporary(
    Object.fromEntries(images.map((bytes, at) => [`image${String(at).padStart(3, '0')}`, bytes])),
  );
  const script = `${await functions()}
    for image in "$1"/image*; do open_image "$image" "$work/opened"; echo "$? $(modules_in "$work/opened")"; done`;
  const { stdout } = spawnSync('dash', ['-c', script, 'sh', folder], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  expect(lines.slice(0, whole.length)).toEqual(
    whole.map(() => `0 ${folder}/generations/1/tmp/opened/lib/mptscsih.ko`),
  );
  for (const [at, line] of lines.slice(whole.length).entries())
    expect(line, `${at} of ${images[at + whole.length]?.length} bytes`).toMatch(/^[12]\b/);
  expect(lines).toHaveLength(images.length);
});
