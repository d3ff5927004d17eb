import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { Header } from 'tar';
import { reintroduceBranch } from '../src/driver/patch/make.ts';
import { readLayout, streamEnd, type XzBlock, type XzLayout } from '../src/kernel-source/xz/blocks.ts';
import { localTarget } from '../src/machine/tree.ts';

const DRIVER = 'drivers/message/fusion/mptscsih.c';
const UNIT = 512;
const MAX_BUFFER = 256 * 1024 * 1024;

/**
 * Copies the distro's .tar.xz with the branch put back into the one file: what a guest of the affected years has. Only
 * the block with the file is compressed again, as the distro does it (xz -6), so that everything else of the archive
 * stays the same: size, order, blocks.
 */
export async function affectedTarball(tarball: string, to: string): Promise<void> {
  const layout = await readLayout(localTarget({ dryRun: true }), tarball);
  if (layout === undefined) throw new Error(`${tarball} is no .xz of blocks`);
  const { index, content } = findBlock(tarball, layout);
  const packed = await pack(withBranch(content), layout, `${to}.block`);
  const output = openSync(to, 'w');
  writeSync(output, layout.header);
  for (const [number, block] of layout.blocks.entries()) {
    writeSync(output, number === index ? packed.stored : readBlock(tarball, block));
  }
  writeSync(
    output,
    streamEnd(layout.header, layout.blocks.with(index, { ...packed.block, contentOffset: 0, offset: 0 })),
  );
  closeSync(output);
}

/** The names are sorted and the drivers in the second half: from there on, one block after the other. */
function findBlock(tarball: string, layout: XzLayout): { index: number; content: Buffer } {
  for (let index = layout.blocks.length >> 1; index < layout.blocks.length; index += 1) {
    const block = layout.blocks[index] as XzBlock;
    const whole = Buffer.concat([
      layout.header,
      readBlock(tarball, block),
      streamEnd(layout.header, [block]),
    ]);
    const content = execFileSync('xz', ['-dc'], { input: whole, maxBuffer: MAX_BUFFER });
    if (content.includes(`/${DRIVER}\0`)) return { index, content };
  }
  throw new Error(`${tarball} has no ${DRIVER}`);
}

/** Replaces the one entry of the piece of tar. */
function withBranch(content: Buffer): Buffer {
  const at = content.lastIndexOf('\0', content.indexOf(`/${DRIVER}\0`)) + 1;
  const header = new Header(content, at);
  const size = header.size ?? 0;
  const start = at + UNIT;
  const end = start + Math.ceil(size / UNIT) * UNIT;
  if (!header.cksumValid || end > content.length) throw new Error('the driver is in two blocks');
  const text = reintroduceBranch(content.toString('latin1', start, start + size));
  const changed = Buffer.from(text, 'latin1');
  header.size = changed.length;
  const encoded = Buffer.alloc(UNIT);
  header.encode(encoded, 0);
  const padding = Buffer.alloc((UNIT - (changed.length % UNIT)) % UNIT);
  return Buffer.concat([content.subarray(0, at), encoded, changed, padding, content.subarray(end)]);
}

async function pack(
  content: Buffer,
  layout: XzLayout,
  scratch: string,
): Promise<{ block: XzBlock; stored: Buffer }> {
  const check = { 1: 'crc32', 4: 'crc64', 10: 'sha256' }[layout.header[7] ?? 0] ?? 'none';
  const argv = ['-zc', '-6', '-T1', `--check=${check}`];
  writeFileSync(scratch, execFileSync('xz', argv, { input: content, maxBuffer: MAX_BUFFER }));
  const alone = await readLayout(localTarget({ dryRun: true }), scratch);
  const block = alone?.blocks[0];
  if (block === undefined) throw new Error('xz made no block');
  const stored = readBlock(scratch, block);
  rmSync(scratch);
  return { block, stored };
}

function readBlock(path: string, block: XzBlock): Buffer {
  const bytes = Buffer.alloc(block.storedSize);
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, bytes.length, block.offset);
  closeSync(file);
  return bytes;
}
