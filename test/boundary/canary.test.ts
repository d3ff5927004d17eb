import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/commands.ts';
import { range } from '../helpers/attack.ts';
import { HEADERS, MODULE, RELEASE } from '../helpers/buildable-guest.ts';
import { ALL_TRAPS, type HostileTree, type Trap } from '../helpers/hostile-tree.ts';
import { listing } from '../helpers/listing.ts';

const { victim, tree, attack } = range();

interface Line {
  /** `%root`, `%source` and `%base` stand for the hostile tree, its kernel's source, and a folder beside both. */
  readonly words: string;
  /** Whether the tree itself may be another afterwards. */
  readonly writes?: true;
  /** Ends by SIGTERM alone. */
  readonly endless?: true;
  /** Has no tree to look at: it runs on a machine whose /run is its own. */
  readonly local?: true;
}

const MAKING =
  '--make-var EXTRA=-DX --allow-unproven --config %root/etc/fstab --symvers %root/etc/fstab --no-cache --work %base/work';

/** A tree that is also the mirror, brings a key, and the compiler. */
const FOREIGN = `--mirror %root/usr --mirror-key %root/etc/fstab --sha256 ${'0'.repeat(64)} --allow-unsigned --toolchain guest`;

/** Every command with every option, each at least once. */
const LINES: readonly Line[] = [
  { words: 'check --root %root' },
  { words: `check --root %root --kernel ${RELEASE} --json` },
  { words: 'check --root %root --kernel 6.1.9-2-amd64 --verbose' },
  { words: 'check --root %root --kernel 6.1.9-4-amd64' },
  { words: 'check --root %root --kernel ../../../host/lib/modules/host' },
  { words: `check --source %root/${HEADERS}` },
  { words: 'check --root %root --root %base --all-kernels' },
  { words: 'check --source %root' },
  { words: `check --module %root/${MODULE}` },
  { words: 'check --host root@-oProxyCommand=x;id --host $(touch<%base/host/hit)@db1' },
  { words: 'check --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --verbose' },
  { words: 'plan --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes' },
  { words: `plan --root %root --kernel ${RELEASE} --json --verbose --offline` },
  {
    words: `plan --root %root --kernel ${RELEASE} --source %source --headers %root/${HEADERS} --no-initramfs --boot-entry --placement updates ${MAKING}`,
  },
  {
    words: `plan --root %root --kernel ${RELEASE} --source %source --whole-tree --full --sign-key %base/key --sign-cert %base/key`,
  },
  { words: `plan --root %root --kernel ${RELEASE} ${FOREIGN}` },
  { words: `apply --root %root --kernel ${RELEASE} --source %source --dry-run --json` },
  { words: `apply --root %root --kernel ${RELEASE} ${FOREIGN} --yes --work %base/work`, writes: true },
  {
    words: `apply --root %root --kernel ${RELEASE} --source %source --toolchain %root --yes --work %base/work`,
    writes: true,
  },
  {
    words: `apply --root %root --kernel ${RELEASE} --source %source --yes --verbose --work %base/work`,
    writes: true,
  },
  {
    words: `apply --root %root --kernel ${RELEASE} --source %source --headers %root/${HEADERS} --offline --yes --json --no-initramfs --boot-entry --placement updates --sign-key %base/key --sign-cert %base/certificate ${MAKING}`,
    writes: true,
  },
  {
    words: `apply --root %root --kernel ${RELEASE} --source %source --whole-tree --full --yes --work %base/work`,
    writes: true,
  },
  { words: `apply --root %root --kernel ${RELEASE} --yes --install-tools --work %base/work`, writes: true },
  { words: 'apply --plan %root/etc/os-release --yes', writes: true },
  { words: 'apply --host -oProxyCommand=touch%base/host/hit --yes' },
  { words: 'apply --host $(touch<%base/host/hit)@db1 --host `id` --fail-fast --yes' },
  { words: 'apply --host 127.0.0.1 --ssh-option Port=1 --bundle %root/etc/os-release --yes' },
  {
    words:
      'apply --host 127.0.0.1 --host [::1] --ssh-option Port=1 --ssh-option BatchMode=yes --source %source --yes',
  },
  {
    words: `build --root %root --kernel ${RELEASE} --source %source --offline --output %base/out --json --verbose --sign-key %base/key --sign-cert %base/certificate --sign-bundle %base/key ${MAKING}`,
  },
  {
    words: `build --root %root --kernel ${RELEASE} --source %source --toolchain image:none --only-prepare --contained --output %base/out --work %base/work`,
  },
  {
    words: `build --root %root --kernel ${RELEASE} --source %source --toolchain image:none --compiled %root/etc --output %base/out --work %base/work`,
  },
  {
    words:
      'verify %root/etc/os-release --signature %root/etc/fstab --signers %root/etc/fstab --identity root --json --verbose',
  },
  { words: `build --root %root --kernel ${RELEASE} --output %base/out --work %base/work` },
  { words: `build --root %root --kernel ${RELEASE} ${FOREIGN} --output %base/out --work %base/work` },
  {
    words: `build --root %root --kernel ${RELEASE} --source %source --toolchain guest --output %base/out --work %base/work`,
  },
  {
    words: `build --module %root/${MODULE} --headers %root/${HEADERS} --source %source --output %base/out --work %base/work`,
  },
  { words: `build --root %root --kernel ${RELEASE} --source %source --whole-tree --full --output %base/out` },
  { words: 'status --root %root --json --verbose' },
  { words: 'status --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --verbose' },
  { words: 'status --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --prune --yes' },
  { words: `status --root %root --kernel ${RELEASE} --prune --dry-run` },
  { words: `status --root %root --kernel ${RELEASE} --prune --yes`, writes: true },
  { words: `rollback --root %root --kernel ${RELEASE} --dry-run --json --verbose` },
  { words: `rollback --root %root --kernel ${RELEASE} --yes`, writes: true },
  { words: `rollback --root %root --kernel ${RELEASE} --to 0 --force --yes`, writes: true },
  { words: 'rollback --host root@-oProxyCommand=x;id --yes' },
  {
    words:
      'rollback --host 127.0.0.1 --host [::1] --fail-fast --ssh-option Port=1 --ssh-option BatchMode=yes --yes',
  },
  { words: 'watch once --root %root --json --verbose', writes: true },
  {
    words: 'watch once --root %root --nagios --to root@example.org --config %base/watch.json',
    writes: true,
  },
  { words: 'watch once root@example.org --root %root --prometheus %base/metrics', writes: true },
  { words: 'watch once --root %root --probe', writes: true },
  { words: 'watch follow --root %root --to root@example.org --json --verbose', endless: true, writes: true },
  { words: 'watch follow --root %root --config %base/watch.json', endless: true, writes: true },
  { words: 'watch test-mail --root %root --json --verbose' },
  { words: 'watch test-mail --root %root --to root@example.org --config %base/watch.json' },
  { words: 'watch install --root %root --dry-run --json --verbose' },
  {
    words:
      'watch install --root %root --to root@example.org --config %base/watch.json --yes --every 10m --probe --from-disk',
    writes: true,
  },
  { words: 'watch uninstall --root %root --dry-run --json --verbose' },
  { words: 'watch uninstall --root %root --yes', writes: true },
  { words: 'watch load', local: true },
  { words: `recover --root %root --kernel ${RELEASE} --json --verbose` },
  { words: 'recover --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes' },
  { words: 'recover --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --apply --yes' },
  { words: 'recover --root %root --apply --dry-run' },
  { words: 'recover / --root %root --apply --yes', writes: true },
  { words: `harden --root %root --kernel ${RELEASE} --json --verbose` },
  { words: 'harden --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes' },
  {
    words: 'harden --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --apply timeout=60 --yes',
  },
  { words: 'harden --root %root --apply errors=continue timeout=60 --dry-run' },
  { words: 'harden --root %root --apply errors=continue timeout=60 --yes', writes: true },
  { words: 'harden --root %root --apply errors=panic --mount-point %base/host/mnt --yes', writes: true },
  {
    words:
      'harden --root %root --apply errors=panic --device %root/boot/initramfs-6.1.9-1-amd64.img.none --yes',
    writes: true,
  },
  { words: 'harden --root %root --undo --force --yes', writes: true },
  { words: `diagnose --root %root --kernel ${RELEASE} --json --verbose` },
  { words: 'diagnose --root %root --root %base --summary' },
  { words: 'diagnose --host 127.0.0.1 --ssh-option Port=1 --ssh-option BatchMode=yes --host [::1] --json' },
  { words: 'diagnose --root %root --since 2h --until 2026-01-31' },
  { words: 'diagnose %root/var/log/kern.log %root/var/log/messages' },
  { words: 'demo --arch i386 --work %root/etc/os-release --keep --no-install-tools --json --verbose' },
];

/** Each command that does something, by its words. */
function commands(command: Command, words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(' '), command]];
  return command.commands.flatMap((one) => commands(one, [...words, one.name()]));
}

describe('the table of what is run on a hostile tree', () => {
  for (const [name, command] of commands(commandLine(async () => {}))) {
    test(`has ${name} with every option`, () => {
      const lines = LINES.filter(({ words }) => `${words} `.startsWith(`${name} `)).map(({ words }) => words);
      const all = command.options.map(({ long }) => long);
      const used = new Set(lines.flatMap((line) => line.match(/--[a-z][a-z\d-]*(?= |$)/g) ?? []));
      expect(lines).not.toEqual([]);
      expect(all.filter((option) => !used.has(String(option)))).toEqual([]);
    });
  }
});

/** A terminal takes these for commands. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
/** Without its end: its hash would take a while. */
const ENDLESS_FILE = { without: ['var/log/boot.log'] };

/** The tree of the line before, where that one only read: then it was seen to be as it was. */
let last: { readonly traps: readonly Trap[]; readonly made: HostileTree } | undefined;

async function run(line: Line, traps: readonly Trap[]): Promise<void> {
  const { root, source } = last?.traps === traps ? last.made : tree(...traps);
  last = undefined;
  const { base } = victim();
  for (const name of ['work', 'out']) mkdirSync(join(base, name), { recursive: true });
  adminsFiles();
  const before = line.writes ? [] : listing(root, ENDLESS_FILE);
  const words = line.words
    .split(' ')
    .map((word) => word.replace('%root', root).replace('%source', source).replace('%base', base));
  const { run: done, harm } = await attack(words, {
    cwd: root,
    // The tree's own programs stand before this machine's, as they do for who looks at it with `PATH=.:…`.
    env: { PATH: `${root}/usr/bin:${root}/usr/sbin:${process.env.PATH ?? ''}` },
    ...(line.local
      ? {
          prefix: [
            '/usr/bin/unshare',
            '-m',
            '/bin/sh',
            '-c',
            '/bin/mount -t tmpfs tmpfs /run && exec "$@"',
            'sh',
          ],
        }
      : {}),
    ...(line.endless ? { started: (kill) => void setTimeout(() => kill('SIGTERM'), 1500) } : {}),
  });
  expect([line.words, harm]).toEqual([line.words, []]);
  if (!line.writes) {
    expect(listing(root, ENDLESS_FILE)).toEqual(before);
    last = { traps, made: { root, source } };
  }
  expect(`${done.stdout}${done.stderr}`).not.toMatch(CONTROL);
  expect(`${done.status} ${done.stderr}`).not.toMatch(/^1 |E_INTERNAL|E_DRY_RUN/);
}

/** Beside the tree: a key, and a configuration that notifies nobody. */
function adminsFiles(): void {
  writeFileSync(join(victim().base, 'watch.json'), '{"watch":{"sendmail":false,"kernelLog":false}}');
  const [key, certificate] = ['key', 'certificate'].map((name) => join(victim().base, name)) as [
    string,
    string,
  ];
  if (existsSync(key)) return;
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-days', '2'];
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
}

describe('on a tree with every trap the host keeps each byte, mount and process:', () => {
  test.each(LINES)('$words', async (line) => run(line, ALL_TRAPS));
});

/** What does most, on trees that have one trap each: so that none hides behind another. */
const FAR: readonly Line[] = [
  {
    words: `apply --root %root --kernel ${RELEASE} --source %source --offline --yes --work %base/work`,
    writes: true,
  },
  { words: `rollback --root %root --kernel ${RELEASE} --yes --force`, writes: true },
  { words: `harden --root %root --kernel ${RELEASE} --apply errors=continue timeout=60 --yes`, writes: true },
  { words: 'watch once --root %root', writes: true },
];

describe('on a tree with one trap the same holds:', () => {
  test.each(ALL_TRAPS)('%s', async (trap) => {
    const traps = [trap, 'mounts'] as const;
    for (const line of FAR) await run(line, traps);
  });
});
