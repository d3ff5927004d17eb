import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/commands.ts';
import { buildableGuest } from '../helpers/buildable-guest.ts';
import { mptfix } from '../helpers/cli.ts';
import { sh } from '../machine/temporary.ts';
import { placeIn, RUNS } from './runs.ts';

/** The rows of the table of docs/exit-status.md, the only place that says the statuses. */
const ROWS = [
  ...readFileSync('docs/exit-status.md', 'utf8').matchAll(/^\| (?:`([^`]+)`|any) \| (.+) \| (\d+) \|$/gm),
].map(([, command = 'any', situation = '', status]) => [command, situation, Number(status)] as const);

let base = '';
beforeAll(() => {
  base = mkdtempSync('/var/tmp/mptfix-status-');
  sh('chmod 755 "$1"', base);
  buildableGuest(join(base, 'guest'), join(base, 'source'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('as docs/exit-status.md says:', () => {
  test.each(ROWS)('%s: %s: %i', async (command, situation, status) => {
    const run = RUNS[command]?.[situation];
    expect([situation, run]).toEqual([situation, expect.any(Function)]);
    expect(await run?.(placeIn(base))).toBe(status);
  });

  test('every run is in the table, and the table has each row once', () => {
    const rows = ROWS.map(([command, situation]) => `${command}: ${situation}`);
    const runs = Object.entries(RUNS).flatMap(([command, all]) =>
      Object.keys(all).map((situation) => `${command}: ${situation}`),
    );
    expect(runs.toSorted()).toEqual(rows.toSorted());
    expect(new Set(rows).size).toBe(rows.length);
  });

  test('every line of the table is a row that was read', () => {
    const lines = readFileSync('docs/exit-status.md', 'utf8').match(/^\| .* \|$/gm) ?? [];
    expect(lines.length).toBe(ROWS.length + 1);
  });

  test('README.md and --help lead there', async () => {
    const { stdout } = await mptfix(['--help']);
    const path = /^ {2}(\S+\/docs\/exit-status\.md)$/m.exec(stdout)?.[1] ?? '';
    expect(existsSync(path)).toBe(true);
    expect(readFileSync('README.md', 'utf8')).toContain('](docs/exit-status.md)');
  });

  test('every command has rows', () => {
    const commands = commandLine(async () => {}).commands.flatMap((one) =>
      one.commands.length === 0
        ? [one.name()]
        : one
            .createHelp()
            .visibleCommands(one)
            .map((inner) => `${one.name()} ${inner.name()}`),
    );
    const named = new Set(ROWS.map(([command]) => command));
    expect(commands.filter((name) => !named.has(name) && !name.endsWith(' help'))).toEqual([]);
  });
});
