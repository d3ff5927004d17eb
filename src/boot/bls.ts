import { basename } from 'node:path/posix';
import { LIMITS } from '../limits.ts';
import { type ConfigFile, existing, readConfigs } from './config-file.ts';
import {
  type BootEntryKey,
  type BootReads,
  type FileEdit,
  fallbackTitle,
  type Loader,
  type LoaderPlan,
  type NamedRequest,
  nothingToEdit,
} from './entry.ts';
import { GRUB_CONFIGS } from './grub2/loader.ts';
import { nameOf, readScript } from './grub2/script.ts';

/** Where $BOOT is mounted. Source: the Boot Loader Specification; GRUB of Fedora and RHEL 8 reads the first. */
const PLACES: readonly string[] = ['/boot', '/efi', '/boot/efi'];

/** Entries of the Boot Loader Specification: a file an entry, read by Red Hat's GRUB (`blscfg`) or systemd-boot. */
export const bls: Loader = { name: 'bls', plan, remove };

async function plan(target: BootReads, request: NamedRequest): Promise<LoaderPlan | undefined> {
  const grub = await grubReadsEntries(target);
  const problems: string[] = [];
  let readBySomebody = false;
  for (const place of PLACES) {
    if (!(grub && place === '/boot') && !(await hasSystemdBoot(target, place))) continue;
    readBySomebody = true;
    const folder = `${place}/loader/entries`;
    for (const answer of await readConfigs(target, [`${folder}/*.conf`], LIMITS.menuEntryBytes)) {
      if ('problem' in answer) problems.push(answer.problem);
      else if (isEntryOf(answer.file.text, request)) return planFor(answer.file, folder, grub, request);
    }
  }
  if (!readBySomebody) return undefined;
  return nothingToEdit(...problems, `no boot entry of ${request.release} names ${request.image}`);
}

async function remove(target: BootReads, key: BootEntryKey): Promise<readonly FileEdit[]> {
  const paths = await existing(
    target,
    PLACES.map((place) => `${place}/loader/entries/*`),
  );
  return paths
    .filter((path) => basename(path).endsWith(ownName(key)))
    .map((path) => ({ path, content: null, mode: 0o644 }));
}

async function grubReadsEntries(target: BootReads): Promise<boolean> {
  for (const answer of await readConfigs(target, GRUB_CONFIGS)) {
    const script = 'file' in answer ? readScript(answer.file.text) : undefined;
    if (script?.commands.some((command) => nameOf(script, command) === 'blscfg')) return true;
  }
  return false;
}

async function hasSystemdBoot(target: BootReads, place: string): Promise<boolean> {
  const paths = [`${place}/loader/loader.conf`, `${place}/EFI/systemd`];
  return (await existing(target, paths)).length > 0;
}

interface Line {
  readonly key: string;
  readonly value: string;
  readonly raw: string;
}

function linesOf(text: string): readonly Line[] {
  return text.split(/\r?\n/).map((raw) => {
    const found = /^([^#\s]\S*)\s+(.*)$/s.exec(raw.trim());
    return { key: found?.[1] ?? '', value: found?.[2] ?? '', raw };
  });
}

function isEntryOf(text: string, { names }: NamedRequest): boolean {
  const isImage = (path: string): boolean => names.fallback(path) !== undefined;
  const lines = linesOf(text);
  return (
    lines.some(({ key, value }) => key === 'linux' && names.kernel(value) !== undefined) &&
    lines.some(({ key, value }) => key === 'initrd' && value.split(/\s+/).some(isImage))
  );
}

function planFor(file: ConfigFile, folder: string, grub: boolean, request: NamedRequest): LoaderPlan {
  const name = nameBelow(basename(file.path), request);
  const lines = linesOf(file.text);
  const sorted = lines.some(({ key }) => key === 'sort-key');
  if (name === undefined && (grub || !sorted)) {
    const note = `${file.path} is not named for its kernel: the place of a copy of it in the menu is not known`;
    return nothingToEdit(note);
  }
  const title = fallbackTitle(lines.find(({ key }) => key === 'title')?.value, request);
  const path = `${folder}/${name ?? `0-${ownName(request)}`}`;
  const titled = lines.some(({ key }) => key === 'title') ? '' : `title ${title}\n`;
  const content = titled + lines.map((line) => changed(line, title, request)).join('\n');
  return { title, edits: [{ path, content, mode: file.mode }], notes: [] };
}

function changed({ key, value, raw }: Line, title: string, request: NamedRequest): string {
  switch (key) {
    case 'title':
      return `title ${title}`;
    case 'linux':
      return `linux ${request.names.kernel(value) ?? value}`;
    case 'initrd':
      return `initrd ${value
        .split(/\s+/)
        .map((path) => request.names.fallback(path) ?? path)
        .join(' ')}`;
    // systemd-boot sorts by it first and takes the highest version within it: so this one is of a later key.
    case 'sort-key':
      return `sort-key ${value}-mptfix`;
    // Fedora's; grub2-set-default must find one entry by it.
    case 'id':
      return `id ${value}-mptfix-${request.generation}`;
    default:
      return raw;
  }
}

/** A name ends with it whatever stands before. One dash would be another field to Red Hat's GRUB. */
function ownName({ release, generation }: BootEntryKey): string {
  return `mptfix_${release.replaceAll('-', '_')}_${generation}.conf`;
}

/**
 * Both loaders put the highest file name first, and may take that as the default. Red Hat's GRUB compares it as a
 * package's name-version-release, systemd-boot piece by piece: with the same start and version 0, as the distro's own
 * `MACHINE-0-rescue.conf` has it, this one is below every kernel. Undefined where the name is not MACHINE-RELEASE.
 */
function nameBelow(name: string, key: BootEntryKey): string | undefined {
  // Boot counting puts +TRIES before the suffix.
  const stem = name.replace(/(?:\+\d+(?:-\d+)?)?\.conf$/, '');
  const end = `-${key.release}`;
  if (!stem.endsWith(end) || stem.length === end.length || !/^[1-9]/.test(key.release)) return undefined;
  return `${stem.slice(0, -end.length)}-0-${ownName(key)}`;
}
