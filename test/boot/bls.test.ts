import { describe, expect, it } from 'vitest';
import { planBootEntry, removeBootEntryEdits } from '../../src/boot/loaders.ts';
import { type BootGuest, bootGuest, wishOf } from './guest.ts';

const REL = '4.18.0-80.el8.x86_64';
const MACHINE = 'a8f8d2d0c1f34d6a8a5c6e1f2b3c4d5e';
const NORMAL = `/boot/loader/entries/${MACHINE}-${REL}.conf`;
const OWN = `/boot/loader/entries/${MACHINE}-0-mptfix_4.18.0_80.el8.x86_64_2.conf`;
const WISH = wishOf(REL, 2, `/boot/initramfs-${REL}.img`);

const ENTRY = `title Red Hat Enterprise Linux (${REL}) 8.0 (Ootpa)
version ${REL}
linux /vmlinuz-${REL}
initrd /initramfs-${REL}.img $tuned_initrd
options $kernelopts $tuned_params
id rhel-20190313123447-${REL}
grub_users $grub_users
grub_arg --unrestricted
grub_class kernel
`;

const redHat = (entry = ENTRY, name = NORMAL): Promise<BootGuest> =>
  bootGuest({
    'boot/grub2/grub.cfg': 'insmod part_msdos\ninsmod blscfg\nblscfg\n',
    [name]: entry,
    [`/boot/loader/entries/${MACHINE}-0-rescue.conf`]: ENTRY.replaceAll(REL, '0-rescue'),
  });

describe('entries of the Boot Loader Specification', () => {
  it('of RHEL 8 get a copy with title, image and id changed, and the rest kept', async () => {
    const plan = await planBootEntry((await redHat()).target, WISH);
    const title = `Red Hat Enterprise Linux (${REL}) 8.0 (Ootpa) (initramfs before mptfix, generation 2)`;
    expect(plan).toEqual({
      loader: 'bls',
      title,
      notes: [],
      edits: [
        {
          path: OWN,
          mode: 0o644,
          content: `title ${title}
version ${REL}
linux /vmlinuz-${REL}
initrd /initramfs-${REL}.img.mptfix-2 $tuned_initrd
options $kernelopts $tuned_params
id rhel-20190313123447-${REL}-mptfix-2
grub_users $grub_users
grub_arg --unrestricted
grub_class kernel
`,
        },
      ],
    });
  });

  it('are replaced when made again, and taken away by kernel and generation', async () => {
    const guest = await redHat();
    for (const request of [WISH, WISH, { ...WISH, generation: 3, fallback: `${WISH.image}.mptfix-3` }])
      guest.apply((await planBootEntry(guest.target, request))?.edits ?? []);
    expect(await guest.target.list('/boot/loader/entries')).toHaveLength(4);
    const edits = await removeBootEntryEdits(guest.target, WISH);
    expect(edits).toEqual([{ path: OWN, content: null, mode: 0o644 }]);
    guest.apply(edits);
    expect(await removeBootEntryEdits(guest.target, WISH)).toEqual([]);
    expect(await guest.target.list('/boot/loader/entries')).toHaveLength(3);
  });

  it('of systemd-boot get a later sort-key, for the version would win within one', async () => {
    const entry = `# made by kernel-install\ntitle Debian\nversion ${REL}\nsort-key debian\nlinux /vmlinuz-${REL}\ninitrd /ucode.img\ninitrd /initramfs-${REL}.img\n`;
    const guest = await bootGuest({
      'efi/loader/loader.conf': 'timeout 3\n',
      [`efi/loader/entries/${MACHINE}-${REL}+3-0.conf`]: entry,
    });
    const [edit] = (await planBootEntry(guest.target, WISH))?.edits ?? [];
    expect(edit?.path).toBe(OWN.replace('/boot', '/efi'));
    expect(edit?.content).toBe(
      `# made by kernel-install\ntitle Debian, with Linux ${REL} (initramfs before mptfix, generation 2)\nversion ${REL}\nsort-key debian-mptfix\nlinux /vmlinuz-${REL}\ninitrd /ucode.img\ninitrd /initramfs-${REL}.img.mptfix-2\n`,
    );
  });

  it('that are not named for their kernel are left alone, unless a sort-key decides', async () => {
    const odd = '/boot/loader/entries/linux.conf';
    const plan = await planBootEntry((await redHat(ENTRY, odd)).target, WISH);
    expect(plan?.edits).toEqual([]);
    expect(plan?.notes).toEqual([
      `${odd} is not named for its kernel: the place of a copy of it in the menu is not known`,
    ]);
    const guest = await bootGuest({
      'boot/loader/loader.conf': '',
      [odd]: `sort-key arch\nlinux /vmlinuz-${REL}\ninitrd /initramfs-${REL}.img\r\n`,
    });
    const [edit] = (await planBootEntry(guest.target, WISH))?.edits ?? [];
    expect(edit?.path).toBe('/boot/loader/entries/0-mptfix_4.18.0_80.el8.x86_64_2.conf');
    expect(edit?.content).toMatch(/^title Linux, with Linux .*\nsort-key arch-mptfix\n/);
    expect(edit?.content).not.toContain('\r');
  });

  it('that no loader reads do not count: then the menu of GRUB does', async () => {
    const guest = await bootGuest({
      [NORMAL]: ENTRY,
      'boot/grub2/grub.cfg': `menuentry a {\n linux /vmlinuz-${REL}\n initrd /initramfs-${REL}.img\n}\n`,
    });
    expect((await planBootEntry(guest.target, WISH))?.loader).toBe('grub2');
  });

  it('of another kernel, on the ESP with an image of its own, or broken, are not copied', async () => {
    for (const entry of [
      ENTRY.replace(`vmlinuz-${REL}`, 'vmlinuz-4.18.0-81.el8.x86_64'),
      ENTRY.replaceAll('/initramfs', `/${MACHINE}/${REL}/initramfs`),
      ENTRY.replaceAll('\n', ' '),
      Buffer.from([0xff, 0xfe]).toString('latin1'),
      '',
    ]) {
      const plan = await planBootEntry((await redHat(entry)).target, WISH);
      expect(plan).toMatchObject({ loader: 'bls', edits: [] });
      expect(plan?.notes.at(-1)).toBe(`no boot entry of ${REL} names ${WISH.image}`);
    }
  });
});
