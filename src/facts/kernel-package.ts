import type { TargetReads } from '../target/port.ts';

type Reads = Pick<TargetReads, 'readText' | 'readRange' | 'stat'>;

/**
 * The version of the package that brought a kernel: needed because a release such as 6.1.0-56-amd64 does not say
 * that it is 6.1.192-2. First the package database, then what the kernel's image says of itself.
 */
export async function kernelPackageVersion(target: Reads, release: string): Promise<string | undefined> {
  return (await fromDpkg(target, release)) ?? (await fromImage(target, release));
}

const DPKG_STATUS = '/var/lib/dpkg/status';

async function fromDpkg(target: Reads, release: string): Promise<string | undefined> {
  const status = await target.readText(DPKG_STATUS);
  if (status === undefined) return undefined;
  return installedVersion(status, [
    `linux-image-${release}`,
    `linux-modules-${release}`,
    `linux-image-${release}-unsigned`,
  ]);
}

/** Version of the first of the packages that the dpkg database says is installed. */
export function installedVersion(status: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    const start = `\n${status}`.indexOf(`\nPackage: ${name}\n`);
    if (start < 0) continue;
    const end = status.indexOf('\n\n', start);
    const stanza = status.slice(start, end < 0 ? undefined : end);
    if (!/^Status: .* installed$/m.test(stanza)) continue;
    const version = /^Version: (\S+)$/m.exec(stanza)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

/** Source: Documentation/x86/boot.rst, fields `header` and `kernel_version` of the setup header. */
const SETUP = { header: 0x202, magic: 'HdrS', versionPointer: 0x20e, pointerBase: 0x200 };

/**
 * An x86 image carries `RELEASE (builder) #1 SMP … Debian 6.1.192-2 (date)` uncompressed: Debian writes its package
 * version there.
 */
async function fromImage(target: Reads, release: string): Promise<string | undefined> {
  const path = `/boot/vmlinuz-${release}`;
  if ((await target.stat(path))?.type !== 'file') return undefined;
  try {
    const head = await target.readRange(path, 0, 64 * 1024);
    if (head.toString('latin1', SETUP.header, SETUP.header + 4) !== SETUP.magic) return undefined;
    const start = head.readUInt16LE(SETUP.versionPointer) + SETUP.pointerBase;
    const banner = head.toString('latin1', start, head.indexOf(0, start));
    if (!banner.startsWith(`${release} `)) return undefined;
    return /\sDebian (\d\S*) \(/.exec(banner)?.[1];
  } catch {
    // An image that may not be read (0600), or is none: not an answer, and not an error.
    return undefined;
  }
}
