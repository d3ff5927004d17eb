import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { planBootEntry, removeBootEntryEdits } from '../../src/boot/loaders.ts';
import { sh } from '../machine/temporary.ts';
import { type BootGuest, bootGuest, grubComplaint, wishOf } from './guest.ts';

const NEW = '6.1.0-13-amd64';
const OLD = '6.1.0-9-amd64';
const CONFIG = '/boot/grub/grub.cfg';
const DROP_IN = '/etc/grub.d/42_mptfix';

/** Debian's own grub-mkconfig with its own scripts; it sees the guest's /boot and /etc/grub.d in the machine's place. */
function mkconfig(guest: BootGuest): void {
  sh(
    `unshare --mount sh -ec 'mount --bind "$1/boot" /boot; mount --bind "$1/etc/grub.d" /etc/grub.d; grub-mkconfig -o "$2"' sh "$@" 2>&1`,
    guest.root,
    CONFIG,
  );
}

let guest: BootGuest;

beforeEach(async () => {
  guest = await bootGuest({
    [`boot/vmlinuz-${NEW}`]: 'kernel',
    [`boot/initrd.img-${NEW}`]: 'image',
    [`boot/vmlinuz-${OLD}`]: 'kernel',
    [`boot/initrd.img-${OLD}`]: 'image',
    [`boot/initrd.img-${OLD}.mptfix-1`]: 'image',
    'boot/grub/fonts': '',
    'etc/grub.d/README': '',
  });
  for (const script of ['00_header', '10_linux', '40_custom', '41_custom'])
    sh('cp -a "/etc/grub.d/$1" "$2"', script, join(guest.root, 'etc/grub.d'));
  sh(
    'printf "#!/bin/sh\\necho \\"# a later one\\"\\n" > "$1"; chmod 755 "$1"',
    join(guest.root, 'etc/grub.d/90_later'),
  );
  mkconfig(guest);
});

describe('with the real grub-mkconfig', () => {
  it('writes byte for byte what the next grub-mkconfig makes of the drop-in', async () => {
    const plan = await planBootEntry(guest.target, wishOf(OLD));
    expect(plan).toMatchObject({ loader: 'grub2', notes: [] });
    expect(plan?.edits.map(({ path }) => path)).toEqual([DROP_IN, CONFIG]);
    guest.apply(plan?.edits ?? []);
    const edited = guest.text(CONFIG);
    expect(grubComplaint(edited)).toBeUndefined();
    expect(edited).toContain(
      `\n### BEGIN ${DROP_IN} ###\n${sh('"$1"', join(guest.root, DROP_IN))}### END ${DROP_IN} ###\n`,
    );
    expect(statSync(join(guest.root, DROP_IN)).mode & 0o777).toBe(0o755);
    mkconfig(guest);
    expect(guest.text(CONFIG)).toBe(edited);
  });

  it('changes title, id and image, and nothing else of the entry', async () => {
    const plan = await planBootEntry(guest.target, wishOf(OLD));
    expect(plan?.title).toBe(
      `GNU/Linux, with Linux ${OLD} (initramfs before mptfix, generation 1)`.replace(
        'GNU/Linux',
        distributor(),
      ),
    );
    const section = /# mptfix begin [^\n]*\n(.*)# mptfix end/s.exec(plan?.edits[1]?.content ?? '')?.[1] ?? '';
    const original =
      new RegExp(`^\\tmenuentry '[^\\n]*${OLD}'[^]*?^\\t}\\n`, 'm').exec(guest.text(CONFIG))?.[0] ?? '';
    const expected = original
      .replace(/menuentry '[^']*'/, `menuentry '${plan?.title}'`)
      .replace(/\$menuentry_id_option '[^']*'/, `$menuentry_id_option 'mptfix-1-${OLD}'`)
      .replace(/^(\t\tinitrd\t.*)$/m, '$1.mptfix-1')
      .replaceAll(/^\t/gm, '');
    expect(section).toBe(expected);
  });

  it('is not the default: no entry before it changes its number', async () => {
    const plan = await planBootEntry(guest.target, wishOf(NEW));
    const before = guest.text(CONFIG);
    const after = plan?.edits[1]?.content ?? '';
    const entries = (text: string): string[] => text.match(/^(menuentry|submenu) .*$/gm) ?? [];
    expect(entries(after).slice(0, -1)).toEqual(entries(before));
    expect(entries(after).at(-1)).toContain('before mptfix');
    expect(after).not.toMatch(/mptfix.*savedefault/s);
  });

  it('holds several kernels and generations, replaces one that is made again, and takes each away', async () => {
    const untouched = guest.text(CONFIG);
    for (const request of [wishOf(OLD), wishOf(NEW), wishOf(OLD, 2), wishOf(OLD)])
      guest.apply((await planBootEntry(guest.target, request))?.edits ?? []);
    mkconfig(guest);
    expect(guest.text(CONFIG).match(/^menuentry .*before mptfix/gm)).toHaveLength(3);
    for (const key of [
      { release: OLD, generation: 1 },
      { release: NEW, generation: 1 },
    ]) {
      guest.apply(await removeBootEntryEdits(guest.target, key));
      expect(await removeBootEntryEdits(guest.target, key)).toEqual([]);
    }
    const left = guest.text(CONFIG);
    expect(left.match(/^menuentry .*before mptfix/gm)).toHaveLength(1);
    expect(left).toContain(`initrd.img-${OLD}.mptfix-2\n`);
    mkconfig(guest);
    expect(guest.text(CONFIG)).toBe(left);
    guest.apply(await removeBootEntryEdits(guest.target, { release: OLD, generation: 2 }));
    expect(guest.text(CONFIG)).toBe(untouched);
    expect(readdirSync(join(guest.root, 'etc/grub.d'))).not.toContain('42_mptfix');
  });

  it('takes the entry away where only one of the two files still has it', async () => {
    const untouched = guest.text(CONFIG);
    const edits = (await planBootEntry(guest.target, wishOf(OLD)))?.edits ?? [];
    guest.apply(edits.filter(({ path }) => path === DROP_IN));
    const removal = await removeBootEntryEdits(guest.target, { release: OLD, generation: 1 });
    expect(removal).toEqual([{ path: DROP_IN, content: null, mode: 0o755 }]);
    guest.apply(removal);
    guest.apply(edits.filter(({ path }) => path === CONFIG));
    guest.apply(await removeBootEntryEdits(guest.target, { release: OLD, generation: 1 }));
    expect(guest.text(CONFIG)).toBe(untouched);
  });

  it('keeps the mode of grub.cfg', async () => {
    chmodSync(join(guest.root, CONFIG), 0o444);
    const plan = await planBootEntry(guest.target, wishOf(OLD));
    expect(plan?.edits[1]?.mode).toBe(0o444);
  });

  it('does not touch a drop-in that somebody changed', async () => {
    guest.apply((await planBootEntry(guest.target, wishOf(OLD)))?.edits ?? []);
    sh('echo "set default=1" >> "$1"', join(guest.root, DROP_IN));
    const plan = await planBootEntry(guest.target, wishOf(NEW));
    expect(plan?.edits).toEqual([]);
    expect(plan?.notes).toEqual([`${DROP_IN} was changed by somebody else: left alone`]);
  });

  it('finds no entry for a kernel or an image that the menu does not have', async () => {
    for (const request of [wishOf('6.1.0-8-amd64'), wishOf(OLD, 1, `/boot/initramfs-${OLD}.img`)]) {
      const plan = await planBootEntry(guest.target, request);
      expect(plan?.edits).toEqual([]);
      expect(plan?.notes).toEqual([`no entry of ${CONFIG} boots ${request.release} with ${request.image}`]);
    }
  });
});

/** What 10_linux calls the system: it depends on whether the machine has /etc/default/grub. */
function distributor(): string {
  return /menuentry '([^',]*)'/.exec(guest.text(CONFIG))?.[1] ?? '';
}
