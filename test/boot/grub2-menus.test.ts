import { describe, expect, it } from 'vitest';
import { planBootEntry } from '../../src/boot/loaders.ts';
import { type Entries, sh, temporary } from '../machine/temporary.ts';
import { type BootGuest, bootGuest, grubComplaint, wishOf } from './guest.ts';

const EL7 = '3.10.0-957.el7.x86_64';
const KERNEL = '4.12.14-94.41-default';

/** What the entry in the planned grub.cfg is, after GRUB's own check of the whole file. */
async function entryOf(
  guest: BootGuest,
  request = wishOf(EL7),
  config = '/boot/grub2/grub.cfg',
): Promise<string> {
  const plan = await planBootEntry(guest.target, request);
  expect(plan?.notes).toEqual([]);
  const edit = plan?.edits.find(({ path }) => path === config);
  expect(grubComplaint(edit?.content ?? "'")).toBeUndefined();
  const script = plan?.edits.find(({ path }) => path === '/etc/grub.d/42_mptfix');
  const folder = await temporary({ script: script?.content ?? '' });
  const printed = sh('sh "$1/script"', folder);
  expect(edit?.content).toContain(
    `\n### BEGIN /etc/grub.d/42_mptfix ###\n${printed}### END /etc/grub.d/42_mptfix ###\n`,
  );
  return /^# mptfix begin [^\n]*\n(.*)^# mptfix end/ms.exec(printed)?.[1] ?? '';
}

const withMenu = (menu: string, more: Entries = {}): Promise<BootGuest> =>
  bootGuest({ 'etc/grub.d/README': '', 'boot/grub2/grub.cfg': menu, ...more });

const EL7_MENU = `### BEGIN /etc/grub.d/10_linux ###
menuentry 'CentOS Linux (${EL7}) 7 (Core)' --class centos --class gnu-linux --unrestricted $menuentry_id_option 'gnulinux-advanced-1' {
	load_video
	set gfxpayload=keep
	savedefault
	insmod xfs
	set root='hd0,msdos1'
	linux16 /vmlinuz-${EL7} root=/dev/mapper/centos-root ro rhgb quiet
	initrd16 /initramfs-${EL7}.img
}
### END /etc/grub.d/10_linux ###
`;
const EL7_WISH = wishOf(EL7, 3, `/boot/initramfs-${EL7}.img`);

describe('a menu of GRUB 2', () => {
  it('of RHEL 7 on BIOS: linux16, /boot on a partition of its own, no savedefault', async () => {
    expect(await entryOf(await withMenu(EL7_MENU), EL7_WISH)).toBe(
      `menuentry 'CentOS Linux (${EL7}) 7 (Core) (initramfs before mptfix, generation 3)' --class centos --class gnu-linux --unrestricted $menuentry_id_option 'mptfix-3-${EL7}' {
	load_video
	set gfxpayload=keep
	insmod xfs
	set root='hd0,msdos1'
	linux16 /vmlinuz-${EL7} root=/dev/mapper/centos-root ro rhgb quiet
	initrd16 /initramfs-${EL7}.img.mptfix-3
}
`,
    );
  });

  it('of RHEL 7 on UEFI: the whole menu is on the ESP', async () => {
    const menu = EL7_MENU.replace('linux16', 'linuxefi').replace('initrd16', 'initrdefi');
    const guest = await withMenu('', { 'boot/efi/EFI/centos/grub.cfg': menu });
    const entry = await entryOf(guest, EL7_WISH, '/boot/efi/EFI/centos/grub.cfg');
    expect(entry).toContain(`initrdefi /initramfs-${EL7}.img.mptfix-3\n`);
  });

  it('of Debian on UEFI: the stub on the ESP only leads to it', async () => {
    const stub = "search.fs_uuid 1 root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n";
    const menu = `menuentry 'Debian' {\n\tlinux /boot/vmlinuz-${EL7}\n\tinitrd /boot/initrd.img-${EL7}\n}\n`;
    const guest = await bootGuest({
      'etc/grub.d/README': '',
      'boot/efi/EFI/debian/grub.cfg': stub,
      'boot/grub/grub.cfg': menu,
    });
    expect(await entryOf(guest, wishOf(EL7), '/boot/grub/grub.cfg')).toContain('.mptfix-1\n');
  });

  it('of SLES 12 with btrfs: subvolume, submenu, microcode before the image, quotes in the title', async () => {
    const menu = `submenu 'Advanced options for SLES' --hotkey=1 {
	menuentry "Peter\\'s \\"SLES\\" {12}" --hotkey=s --class=sles --users "root" --id x {
		if [ x = x ]; then
			savedefault; set gfxpayload=keep
		fi
		linux "($root)/@/.snapshots/1/snapshot/boot/vmlinuz-${KERNEL}" root=UUID=1 # a brace }
		initrd /@/boot/ucode.img \\
			"($root)/@/.snapshots/1/snapshot/boot/initrd-${KERNEL}"
	}
}
`;
    const request = wishOf(KERNEL, 2, `/boot/initrd-${KERNEL}`);
    expect(await entryOf(await withMenu(menu), request)).toBe(
      `menuentry 'Peter\\'\\''s "SLES" {12}, with Linux ${KERNEL} (initramfs before mptfix, generation 2)' --class=sles --users "root" --id 'mptfix-2-${KERNEL}' {
	if [ x = x ]; then
		true; set gfxpayload=keep
	fi
	linux "($root)/@/.snapshots/1/snapshot/boot/vmlinuz-${KERNEL}" root=UUID=1 # a brace }
	initrd /@/boot/ucode.img \\
		"($root)/@/.snapshots/1/snapshot/boot/initrd-${KERNEL}.mptfix-2"
}
`,
    );
  });

  it('takes the first that boots normally, not another system’s, a function’s or another kernel’s', async () => {
    const entry = (title: string, kernel: string, image: string, options = ''): string =>
      `menuentry '${title}' {\n\tlinux ${kernel} ${options}\n\tinitrd ${image}\n}\n`;
    const image = `/initrd.img-${EL7}`;
    const menu = [
      `function unused {\n${entry('never shown', `/vmlinuz-${EL7}`, image)}}\n`,
      entry('longer', `/vmlinuz-${EL7}.debug`, image),
      entry('memtest', '/memtest86', image),
      entry('copied to the ESP', `/${EL7}/linux-${EL7}`, `/EFI/x/initrd.img-${EL7}`),
      entry('other image', `/vmlinuz-${EL7}`, `${image}.old`),
      entry('the one', `(hd0,1)/vmlinuz-${EL7}`, `(hd0,1)${image}`, 'quiet'),
      entry('rescue', `/vmlinuz-${EL7}`, image, 'single'),
    ].join('');
    const found = await entryOf(await withMenu(menu));
    expect(found).toContain(`'the one, with Linux ${EL7} (initramfs`);
    expect(found).toContain(`initrd (hd0,1)${image}.mptfix-1\n`);
  });

  it('with CRLF line ends gives an entry that GRUB takes', async () => {
    const entry = await entryOf(await withMenu(EL7_MENU.replaceAll('\n', '\r\n')), EL7_WISH);
    expect(entry).toContain('.mptfix-3\n}');
    expect(entry).not.toContain('\r');
  });

  it('survives titles made to break out of the quotes', async () => {
    const titles = [
      "'x'\\'' { reboot; }'",
      '"a\\"; reboot; \\" { }"',
      "'$(reboot) `reboot` <<EOF'",
      "'\u001b[2J\u202e # mptfix end 1 x'",
      '"$title"',
      `'two\n# mptfix end 1 ${EL7}\nlines'`,
    ];
    for (const title of titles) {
      const menu = `menuentry ${title} {\n linux /vmlinuz-${EL7}\n initrd /initrd.img-${EL7}\n}\n`;
      const guest = await withMenu(menu);
      const plan = await planBootEntry(guest.target, wishOf(EL7));
      expect(plan?.title).toMatch(/^[\x20-\x7e]+$/);
      const entry = await entryOf(guest);
      expect(entry.split('\n')).toHaveLength(5);
      guest.apply(plan?.edits ?? []);
      // Its own marks are found again.
      expect((await planBootEntry(guest.target, wishOf(EL7)))?.edits).toEqual(plan?.edits);
    }
  });

  it('has no savedefault and no second entry of the same id after it was made again', async () => {
    const guest = await withMenu(EL7_MENU);
    for (const request of [EL7_WISH, EL7_WISH])
      guest.apply((await planBootEntry(guest.target, request))?.edits ?? []);
    expect(guest.text('boot/grub2/grub.cfg').match(/mptfix-3-/g)).toHaveLength(1);
  });

  it.each([
    ['a quote that never ends', `${EL7_MENU}menuentry 'oops {\n}\n`],
    ['a block that never ends', EL7_MENU.replace('\n}\n', '\n')],
    ['a brace too many', `${EL7_MENU}}\n`],
  ])('is left alone with %s', async (_, menu) => {
    const plan = await planBootEntry((await withMenu(menu)).target, EL7_WISH);
    expect(plan?.edits).toEqual([]);
    expect(plan?.notes[0]).toBe('/boot/grub2/grub.cfg has a quote or a block that never ends: left alone');
  });

  it('is left alone where it is no text, not UTF-8, or larger than a menu can be', async () => {
    const menus: readonly (readonly [Uint8Array | string, string])[] = [
      [Buffer.concat([Buffer.from(EL7_MENU), Buffer.from([0x23, 0xfc, 0x0a])]), 'is not UTF-8'],
      [`${EL7_MENU}\0`, 'is not a text'],
      ['#'.repeat(1024 * 1024 + 1), 'is larger than a boot menu can be'],
    ];
    for (const [menu, note] of menus) {
      const guest = await bootGuest({ 'boot/grub2/grub.cfg': menu });
      const plan = await planBootEntry(guest.target, EL7_WISH);
      expect(plan?.edits).toEqual([]);
      expect(plan?.notes[0]).toBe(`/boot/grub2/grub.cfg ${note}`);
    }
  });

  it('is looked through, however it is made', async () => {
    const many = [
      'menuentry a{linux b}\n'.repeat(40_000),
      `${'submenu a{'.repeat(32)}${'menuentry a{x}\n'.repeat(60_000)}${'}'.repeat(32)}\n`,
      `menuentry a ${'"x" '.repeat(200_000)}{x}\n`,
      `${' '.repeat(1_000_000)}x\n`,
      '# \n'.repeat(300_000),
    ];
    for (const menu of many) {
      expect((await planBootEntry((await withMenu(menu)).target, EL7_WISH))?.edits).toEqual([]);
    }
  });

  it('is left alone where the marks of the section are damaged', async () => {
    const guest = await withMenu(`${EL7_MENU}### BEGIN /etc/grub.d/42_mptfix ###\n`);
    const plan = await planBootEntry(guest.target, EL7_WISH);
    expect(plan?.edits).toEqual([]);
    expect(plan?.notes[0]).toContain('is damaged: run grub-mkconfig first');
  });

  it('without /etc/grub.d is edited alone, and that is said', async () => {
    const guest = await bootGuest({ 'boot/grub2/grub.cfg': EL7_MENU });
    const plan = await planBootEntry(guest.target, EL7_WISH);
    expect(plan?.edits.map(({ path }) => path)).toEqual(['/boot/grub2/grub.cfg']);
    expect(plan?.notes).toEqual([
      'there is no /etc/grub.d: the entry is lost when /boot/grub2/grub.cfg is regenerated',
    ]);
  });

  it('is left alone where the default is chosen by a number that would become another entry’s', async () => {
    const later =
      '\n### BEGIN /etc/grub.d/80_more ###\nmenuentry more { true; }\n### END /etc/grub.d/80_more ###\n';
    const environment = (line: string): Entries => ({ 'boot/grub2/grubenv': `# GRUB\n${line}\n####` });
    const cases: readonly (readonly [number, BootGuest])[] = [
      [2, await withMenu(`set default="0"\n${EL7_MENU}${later}`)],
      [2, await withMenu(`${EL7_MENU}${later}`, environment(`saved_entry=CentOS Linux 7`))],
      [2, await withMenu(`${EL7_MENU}${later}`, environment('saved_entry=0>1'))],
      [0, await withMenu(`set default="1"\n${EL7_MENU}${later}`)],
      [0, await withMenu(`${EL7_MENU}\ndefault='1>0'\n`)],
      [0, await withMenu(`${EL7_MENU}${later}`, environment('saved_entry=1'))],
      [0, await withMenu(`${EL7_MENU}${later}`, environment('next_entry=1>2'))],
    ];
    for (const [edits, guest] of cases) {
      const plan = await planBootEntry(guest.target, EL7_WISH);
      expect(plan?.edits).toHaveLength(edits);
      if (edits === 0) expect(plan?.notes[0]).toContain('the menu’s default is entry 1 or a later one');
    }
  });

  it('puts the section where its name sorts, whatever the quotes before it hold', async () => {
    const menu = `${EL7_MENU}
### BEGIN /etc/grub.d/30_text ###
echo '
### BEGIN /etc/grub.d/90_false ###
'
### END /etc/grub.d/30_text ###

### BEGIN /etc/grub.d/90_true ###
### END /etc/grub.d/90_true ###
`;
    const guest = await withMenu(menu);
    guest.apply((await planBootEntry(guest.target, EL7_WISH))?.edits ?? []);
    expect(guest.text('boot/grub2/grub.cfg').match(/BEGIN \S+/g)).toEqual(
      ['10_linux', '30_text', '90_false', '42_mptfix', '90_true'].map((name) => `BEGIN /etc/grub.d/${name}`),
    );
  });
});
