import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeReport } from '../../../lab/matrix/report/report.ts';
import { pageWith, writeReport } from '../../../lab/matrix/report/write.ts';
import { matrixPairs } from '../../../lab/matrix/rows.ts';
import type { TrialRecord } from '../../../lab/trial/record.ts';
import { localTarget } from '../../../src/machine/tree.ts';
import { temporary } from '../../machine/temporary.ts';
import { fakePair, fakeRecord } from './fake-record.ts';

const machine = localTarget({ dryRun: false });
const MACHINE = {
  format: 1,
  system: 'Debian GNU/Linux 12 (bookworm)',
  cores: 2,
  processor: 'a processor',
  memoryGB: 4,
  jobs: 2,
  tgt: '1.0.85',
} as const;

function picture(records: readonly TrialRecord[]): string {
  const [svg = ''] = makeReport(records, MACHINE).pictures.values();
  return svg;
}

interface Shape {
  readonly left: number;
  readonly right: number;
  readonly middle: number;
  readonly fill: string;
  readonly stroke: string;
}

/** What a picture draws, but its legend, by the colours that only help a reader but are handy here. */
function shapesOf(svg: string): {
  readonly [kind in 'bars' | 'dots' | 'crosses' | 'failures']: readonly Shape[];
} {
  const shapes = [...svg.matchAll(/<path d="([^"]*)"([^>]*)>/g)]
    // The legend's are moved to their place.
    .filter(([, , words = '']) => !words.includes('translate('))
    .map(([, d = '', words = '']) => shapeOf(d, words));
  const filled = (fill: string): readonly Shape[] => shapes.filter((shape) => shape.fill === fill);
  return {
    bars: filled('#1d5c9e'),
    failures: filled('#f3e2b3'),
    crosses: filled('#b3001b'),
    dots: filled('#ffffff').filter(({ stroke }) => stroke === '#1b1b1b'),
  };
}

/** Straight lines as they are; a symbol, which is drawn around 0, by where it stands. */
function shapeOf(d: string, words: string): Shape {
  const of = (key: string): string => new RegExp(`\\b${key}="([^"]*)"`).exec(words)?.[1] ?? '';
  const colours = { fill: of('fill'), stroke: of('stroke') };
  const [, x, y] = /matrix\([-\d.]+,0,0,[-\d.]+,([-\d.]+),([-\d.]+)\)/.exec(of('transform')) ?? [];
  if (x !== undefined) return { left: Number(x), right: Number(x), middle: Number(y), ...colours };
  let [atX, atY] = [0, 0];
  const points = [...d.matchAll(/([MLl])\s*(-?[\d.]+)[ ,]+(-?[\d.]+)/g)].map(([, letter, dx, dy]) => {
    [atX, atY] = letter === 'l' ? [atX + Number(dx), atY + Number(dy)] : [Number(dx), Number(dy)];
    return { x: atX, y: atY };
  });
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  const middle = (Math.min(...ys) + Math.max(...ys)) / 2;
  return { left: Math.min(...xs), right: Math.max(...xs), middle, ...colours };
}

describe('a picture', () => {
  const records = fakePair();
  const svg = picture(records);

  it('shows each write of the records: a dot, a cross, or a bar of its length', () => {
    const { bars, dots, crosses, failures } = shapesOf(svg);
    const writes = records.flatMap((record) => record.writes);
    expect(crosses).toHaveLength(writes.filter(({ ok }) => !ok).length);
    expect(dots).toHaveLength(writes.filter(({ ok, seconds }) => ok && seconds < 2).length);
    expect([bars.length, failures.length]).toEqual([1, 2]);
    const [bar, failure] = [bars[0], failures[0]];
    const width = (shape: Shape | undefined): number => (shape?.right ?? 0) - (shape?.left ?? 0);
    // The fake's write waits as long as the failure lasts, and begins a second later.
    expect(width(bar)).toBeCloseTo(width(failure), 0);
    expect(((bar?.left ?? 0) - (failure?.left ?? 0)) / width(failure)).toBeCloseTo(1 / 15, 1);
  });

  it('keeps the drivers in lanes of their own, and their writes in their order', () => {
    const { bars, dots, crosses } = shapesOf(svg);
    expect(new Set(crosses.map(({ middle }) => Math.round(middle))).size).toBe(1);
    const [lost = 0, waited = 0] = [crosses[0]?.middle, bars[0]?.middle];
    // The affected driver is above.
    expect(waited - lost).toBeGreaterThan(20);
    const lane = dots.filter(({ middle }) => Math.abs(middle - waited) < 1).map(({ left }) => left);
    expect(lane).toHaveLength(6);
    expect(lane).toEqual(lane.toSorted((one, other) => one - other));
  });

  it('says in words what its shapes say, for eyes and for a screen reader', () => {
    for (const words of ['3 of 8 lost', 'all 7 written', 'BUSY for 15 s, ext4', 'the storage fails over'])
      expect(svg).toContain(`>${words}</text>`);
    expect(svg).toMatch(
      /^<svg [^>]*role="img" aria-labelledby="title description">\n<title id="title">6\.1\.0-56/,
    );
    expect(svg).toContain('affected driver, 3 of 8 lost, longest write 0.5 s; patched driver, all 7 written');
  });

  it('is well-formed, the same each time, and refers to nothing outside', () => {
    expect(picture(records)).toBe(svg);
    expect(picture(fakePair().toReversed())).toBe(svg);
    expect(svg.match(/https?:[^"\s]+/g)).toEqual([
      'http://www.w3.org/2000/svg',
      'http://www.w3.org/1999/xlink',
    ]);
    expect(svg).not.toMatch(/<style|<script|<image|href=|url\(|@import|\bclass=/);
    // Python's parser stands for a browser's; dnf brings Python.
    execFileSync(
      'python3',
      ['-c', 'import sys, xml.dom.minidom as m; m.parseString(sys.stdin.buffer.read())'],
      {
        input: svg,
      },
    );
  });

  it('stays well-formed whatever a kernel calls itself', () => {
    const odd = picture([fakeRecord({}, { kernel: '6.1 <&> "own"' })]);
    expect(odd).toContain('<title id="title">6.1 &lt;&amp;&gt; "own" (6.1.192-2)');
    expect(odd).not.toContain('6.1 <');
  });

  it('has an empty lane for what was not run, and a hollow bar with a cross for what was lost in the end', () => {
    const [affected, patched] = fakePair({ seconds: 200 });
    expect(picture([affected])).toContain('>not run</text>');
    const writes = [{ number: 1, at: 0, seconds: 181, ok: false }];
    const late = picture([affected, { ...patched, writes }]);
    expect(shapesOf(late)).toMatchObject({ bars: [], crosses: { length: 4 } });
    expect(late).toContain('>1 of 1 lost</text>');
  });
});

describe('a report', () => {
  const report = makeReport(
    [...fakePair(), ...fakePair({ kernel: '5.10-amd64' }), fakeRecord({ fileSystem: 'xfs' })],
    MACHINE,
  );

  it('tells each trial, where it ran, and what is missing', () => {
    expect(report.page).toContain(
      '5 trials, 2026-11-27, 0.1 hours of guests, on Debian GNU/Linux 12 (bookworm), 2 cores',
    );
    expect(report.page).toContain(
      '| BUSY, 15 s | ext4 | affected | 3 of 8 | 0.5 s | 40 | takes no writes | same | clean | this-bug | 0, then 1 |',
    );
    expect(report.page).toContain('| BUSY, 15 s | xfs | patched | not run | ');
    expect(report.page).toContain('| BUSY, 15 s | contrast (ext4); not run (xfs) | contrast (ext4) |');
    expect([...report.pictures.keys()]).toEqual(['6.1-amd64', '5.10-amd64']);
  });

  it('has BUSY first, by its length, and then what else there was', () => {
    const rows = [
      { failure: 'slow', seconds: 5 },
      { seconds: 60 },
      { seconds: 5 },
      { seconds: 200 },
    ] as const;
    const { page } = makeReport(
      rows.flatMap((row) => fakePair(row)),
      MACHINE,
    );
    const summary = page.slice(0, page.indexOf('###'));
    const failures = [...summary.matchAll(/^\| ([^|]+), (\d+) s \|/gm)].map(
      ([, name, seconds]) => `${name} ${seconds}`,
    );
    expect(failures).toEqual(['BUSY 5', 'BUSY 60', 'BUSY 200', 'slow answers 5']);
  });

  it('names what was to be run and was not', () => {
    const { page, pictures } = makeReport(fakePair(), MACHINE, matrixPairs());
    expect(page).toContain('| BUSY, 200 s | not run (ext4, ext3, xfs) | not run (ext4, ext3, xfs) | not run');
    expect(page).toContain(
      '| BUSY, 15 s | contrast (ext4); not run (ext3, xfs) | not run (ext4, ext3, xfs) | ',
    );
    expect([...pictures.keys()]).toEqual(['6.1-amd64']);
    expect(page.match(/^### /gm)).toHaveLength(1);
  });

  it('names what is not as expected', () => {
    const [affected, patched] = fakePair();
    const { page } = makeReport([affected, { ...patched, problems: ['e2fsck ended with 4'] }], undefined);
    expect(page).toContain('Not as expected:\n\n- 6.1-amd64, ext4, BUSY, 15 s: patched: e2fsck ended with 4');
    expect(page).toContain('| **not as expected** (ext4) |');
  });

  it('is written between its markers, and removes the pictures that it has no more', async () => {
    const folder = await temporary();
    const path = await writeReport(machine, folder, report);
    writeFileSync(path, readFileSync(path, 'utf8').replace('# The lab: results', '# By hand\n\nstays'));
    writeFileSync(join(folder, 'lab/9.9-amd64.svg'), 'old');
    await writeReport(machine, folder, makeReport(fakePair(), MACHINE));
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith('# By hand\n\nstays\n')).toBe(true);
    expect(text).toContain('2 trials');
    expect(text).not.toContain('5 trials');
    expect(readdirSync(join(folder, 'lab'))).toEqual(['6.1-amd64.svg']);
    expect(pageWith(text, 'other', path)).toContain('other');
  });

  it('is not written into a page that lost a marker, or has one twice', async () => {
    const page = pageWith(undefined, 'x', 'lab.md');
    for (const broken of [page.replace('<!-- until here -->', ''), page + page, 'no marker'])
      expect(() => pageWith(broken, 'y', 'lab.md')).toThrow('lab.md does not have each');
  });
});

describe('docs/lab.md', () => {
  const page = readFileSync('docs/lab.md', 'utf8');

  it('has its markers', () => {
    expect(() => pageWith(page, 'x', 'docs/lab.md')).not.toThrow();
  });
});
