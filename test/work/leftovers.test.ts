import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openWorkspace, type Workspace } from '../../src/work/workspace.ts';
import { hungFolder } from '../helpers/hung-folder.ts';
import { listing } from '../helpers/listing.ts';
import { RUNS_TYPESCRIPT, sh, temporary, until, workspaceForTest } from '../machine/temporary.ts';

/** What still runs as a user; one that has ended may wait for its parent to hear of it. */
const running = (uid: number): string => sh('ps -o stat=,args= -U "$1" | grep -v ^Z || :', String(uid));

/**
 * A child that leaves the session of what started it, and for ever swaps a folder of the work folder for a link to `$1`.
 */
const SWAPS = `
mkdir -p deep/er; for n in $(seq 200); do mkdir "d$n"; for m in 1 2 3; do : > "d$n/secret$m"; done; done
setsid perl -e '
  $0 = "swaps"; my ($victim) = @ARGV; fork; $SIG{TERM} = "IGNORE";
  for (;;) { for my $n (1 .. 200) {
    rename("d$n", "deep/er/d$n") and symlink($victim, "d$n"); unlink("d$n"); rename("deep/er/d$n", "d$n"); mkdir("d$n");
  } }' "$1" > /dev/null 2>&1 < /dev/null &
`;

/** Started as the user without any sandbox, as the worst that a build could leave. */
async function leaveSwapping({ machine, user, folder }: Workspace, victim: string): Promise<void> {
  const script = `cd "$0" && ${SWAPS}`;
  const child = spawn('setpriv', [
    ...[`--reuid=${user?.uid}`, `--regid=${user?.gid}`, '--clear-groups', 'sh', '-c', script, folder, victim],
  ]);
  await once(child, 'exit');
  await until(() => running(user?.uid ?? 0).includes('swaps'));
  expect(machine.kind).toBe('local');
}

describe('what is left of a build', () => {
  test('a mount that never answers, in a folder open to all or by the name of a leftover, is not looked at', async () => {
    const base = await temporary();
    await hungFolder(await temporary());
    await mkdir(join(base, 'mptfix-work-abc123'));
    await hungFolder(join(base, 'mptfix-work-abc123'));
    const workspace = await openWorkspace(base);
    await workspace.dispose();
    expect(await readdir(base)).toEqual(['mptfix-work-abc123']);
  });

  test('a child that swaps folders for links while the folder is removed hurts nobody, and is dead', async () => {
    for (let round = 0; round < 3; round += 1) {
      const victim = await temporary({ secret1: 'x', secret2: 'x', secret3: 'x', 'deep/secret': 'x' });
      const before = listing(victim);
      const base = await temporary();
      const workspace = await openWorkspace(base);
      await leaveSwapping(workspace, victim);
      await workspace.dispose();
      expect(listing(victim)).toEqual(before);
      expect(running(workspace.user?.uid ?? 0)).toBe('');
      expect(await readdir(base)).toEqual([]);
    }
  });

  test('folders that their owner has closed go, too, and files that root has put there', async () => {
    const base = await temporary();
    const workspace = await openWorkspace(base);
    const script = 'cd "$1"; mkdir -p a/b c; touch a/b/x c/x; chmod 0 a/b a';
    await workspace.machine.run(['sh', '-c', script, 'sh', workspace.folder], {
      effect: 'write',
      user: workspace.user,
    });
    await mkdir(workspace.at('roots'));
    await writeFile(workspace.at('roots/file'), 'x');
    await workspace.dispose();
    expect(await readdir(base)).toEqual([]);
  });
});

describe('the fetcher', () => {
  test('is another user, and neither of the two sees what the other has', async () => {
    const workspace = await workspaceForTest();
    const { machine, user, fetcher } = workspace;
    expect(fetcher?.uid).not.toBe(user?.uid);
    const ls = (path: string, who: typeof user) => machine.run(['ls', path], { effect: 'read', user: who });
    expect((await ls(workspace.fetched(), fetcher)).status).toBe(0);
    expect((await ls(workspace.fetched(), user)).status).not.toBe(0);
    expect((await ls(workspace.folder, fetcher)).status).not.toBe(0);
    await writeFile(workspace.fetched('credentials'), 'x');
    await workspace.handOver(workspace.fetched('credentials'));
    expect((await stat(workspace.fetched('credentials'))).uid).toBe(fetcher?.uid);
  });
});

test('nothing is handed over behind a link that the user has put on the way there', async () => {
  const outside = await temporary({ 'part/kept': 'x' });
  const workspace = await workspaceForTest();
  await symlink(outside, workspace.at('away'));
  await symlink(join(outside, 'part'), workspace.at('part'));
  for (const path of ['away/part', 'part', 'away/part/kept', '../../other'])
    await expect(workspace.handOver(workspace.at(path))).rejects.toThrow();
  for (const name of ['part', 'part/kept']) expect((await stat(join(outside, name))).uid).toBe(0);
});

test('what is kept holds no process, and no later run takes it for a leftover', async () => {
  const base = await temporary();
  const script = `
    const { openWorkspace } = await import(process.argv[1]);
    const workspace = await openWorkspace(process.argv[2]);
    await workspace.keep();
    console.log(workspace.folder);`;
  const argv = [...RUNS_TYPESCRIPT, '-e', script, resolve('src/work/workspace.ts'), base];
  const folder = execFileSync(process.execPath, argv, { timeout: 30_000 }).toString().trim();
  await (await openWorkspace(base)).dispose();
  expect((await stat(folder)).isDirectory()).toBe(true);
});

const LIVE = `
const { openWorkspace } = await import(process.argv[1]);
const workspace = await openWorkspace(process.argv[2]);
console.log(JSON.stringify({ folder: workspace.folder, user: workspace.user }));
process.stdin.on('data', () => workspace.dispose().then(() => process.exit(0)));
`;

interface Live extends Pick<Workspace, 'folder' | 'user'> {
  readonly child: ChildProcess;
}

/** Another process with a work folder, which lives until it is told, or killed. */
async function live(base: string): Promise<Live> {
  const argv = [...RUNS_TYPESCRIPT, '-e', LIVE, resolve('src/work/workspace.ts'), base];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...JSON.parse(chunk.toString()) };
}

describe('the next run', () => {
  test('removes what a killed one has left, with its processes, and nothing of one that lives', async () => {
    const [base, victim] = [await temporary(), await temporary({ secret1: 'x', 'deep/secret': 'x' })];
    const before = listing(victim);
    const [killed, other] = [await live(base), await live(base)];
    await leaveSwapping({ ...(await workspaceForTest()), ...killed }, victim);
    await writeFile(join(other.folder, 'kept'), 'x');
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    expect(existsSync(killed.folder)).toBe(true);
    await until(async () => {
      await (await openWorkspace(base)).dispose();
      return !existsSync(killed.folder);
    });
    expect(running(killed.user?.uid ?? 0)).toBe('');
    expect(listing(victim)).toEqual(before);
    expect(await readdir(other.folder)).toEqual(['kept']);
    other.child.stdin?.write('end\n');
    await once(other.child, 'exit');
    expect(await readdir(base)).toEqual([]);
  });

  test('leaves what only has the name: somebody else’s folder, a link, one without a lock', async () => {
    const [base, victim] = [await temporary(), await temporary({ 'build/x': 'x', lock: '' })];
    await mkdir(join(base, 'mptfix-work-theirs/build'), { recursive: true });
    await writeFile(join(base, 'mptfix-work-theirs/lock'), '');
    await chown(join(base, 'mptfix-work-theirs'), 61999, 61999);
    await symlink(victim, join(base, 'mptfix-work-alink1'));
    await mkdir(join(base, 'mptfix-work-nolock/build'), { recursive: true });
    await mkdir(join(base, 'mptfix-work-lnlock'));
    await symlink(join(victim, 'lock'), join(base, 'mptfix-work-lnlock/lock'));
    await mkdir(join(base, 'mptfix-worker'));
    const before = [listing(base).filter((line) => !line.startsWith(' d ')), listing(victim)];
    await (await openWorkspace(base)).dispose();
    expect([listing(base).filter((line) => !line.startsWith(' d ')), listing(victim)]).toEqual(before);
  });
});

test('the user is one whom no other work folder has', async () => {
  const base = await temporary();
  const open = await Promise.all(Array.from({ length: 3 }, () => workspaceForTest(base)));
  const uids = open.flatMap(({ user, fetcher }) => [user?.uid, fetcher?.uid]);
  expect(new Set(uids).size).toBe(6);
});
