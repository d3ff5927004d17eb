import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RunOptions, RunResult, Sandbox } from '../../src/machine/program.ts';
import { runProgram } from '../../src/machine/run.ts';
import { RUNS_TYPESCRIPT, sh, temporary, until } from './temporary.ts';

const NOTHING: Sandbox = { readOnly: [], writable: [] };
const USER = { uid: 61801, gid: 61802 };
const NOBODY = { uid: 65534, gid: 65534 };

type Options = Partial<RunOptions> & { readonly args?: readonly string[] };

/** A shell script in a sandbox. */
function run(script: string, { args = [], ...options }: Options = {}): Promise<RunResult> {
  return runProgram(['sh', '-c', script, 'sh', ...args], { effect: 'write', sandbox: NOTHING, ...options });
}

/** What a script prints that must succeed. */
async function printed(script: string, options: Options = {}): Promise<string> {
  const { status, stdout, stderr } = await run(script, options);
  expect([status, stderr]).toEqual([0, '']);
  return stdout.toString();
}

/** A Node of another user, who may only make namespaces of that user's own; prints what `run` prints. */
async function asNobody(script: string, sandbox: Sandbox = NOTHING): Promise<RunResult> {
  // The checkout may be in a folder that only root may enter.
  const folder = await temporary();
  sh(
    'mkdir "$1/src"; cp -R src/machine src/*.ts "$1/src"; ln -s "$2" "$1/node_modules"',
    folder,
    resolve('node_modules'),
  );
  const program = `
    const { runProgram } = await import(${JSON.stringify(join(folder, 'src/machine/run.ts'))});
    const options = JSON.parse(process.argv[2]);
    const { status, stdout, stderr } = await runProgram(['sh', '-c', process.argv[1]], options);
    process.stdout.write(stdout); process.stderr.write(stderr); process.exitCode = status;`;
  const options = JSON.stringify({ effect: 'write', sandbox });
  return runProgram([process.execPath, '--input-type=module', '-e', program, script, options], {
    effect: 'write',
    user: NOBODY,
  });
}

/** Folders that are a victim's: what is in one is seen only where it is shown. */
async function victim(): Promise<string> {
  const folder = await temporary({ secret: 'seen\n' });
  await chmod(folder, 0o777);
  return folder;
}

const AS: ReadonlyArray<readonly [string, Options]> = [
  ['root’s', {}],
  ['another user’s', { user: USER }],
];

describe.each(AS)('%s program in a sandbox', (_, as) => {
  test('sees programs, libraries and what they need of /etc, and nothing else', async () => {
    const folder = await victim();
    const script =
      'ls /; ls /etc; ls "$1" /var /root /home /run /sys /boot /opt /mnt 2>/dev/null; ls -A /tmp';
    const [etc, rest] = [
      ['alternatives', 'group', 'ld.so.cache', 'passwd'],
      ['dev', 'etc', 'proc', 'tmp', 'usr'],
    ];
    const { stdout } = await run(script, { ...as, args: [folder] });
    const names = stdout.toString().trim().split('\n');
    for (const name of [...etc, ...rest]) expect(names).toContain(name);
    const usual =
      /^(bin|sbin|lib(32|64|x32)?|dev|etc|proc|tmp|usr|alternatives|group|passwd|nsswitch\.conf|ld\.so\..*|ssl|pki|crypto-policies)$/;
    expect(names.filter((name) => !usual.test(name))).toEqual([]);
  });

  test('can compile and link', async () => {
    const script =
      'cd /tmp; echo "int main(void) { return 0; }" > x.c; cc x.c -o x && ./x && make --version | head -1';
    expect(await printed(script, as)).toMatch(/^GNU Make/);
  });

  test('writes to its own /tmp and to what is shown as writable alone', async () => {
    const [shown, other] = [await victim(), await victim()];
    const sandbox = { readOnly: [{ from: other, to: '/other' }], writable: [{ from: shown, to: '/shown' }] };
    const script = `echo x > /tmp/new; echo x > /shown/new
      for place in /new /usr/new /etc/new /other/new /other/secret /proc/sys/kernel/core_pattern /dev/new; do
        (echo x > $place) 2>/dev/null && echo "wrote $place"; done; cat /other/secret`;
    expect(await printed(script, { ...as, sandbox })).toBe('seen\n');
    expect(await readdir(shown)).toEqual(['new', 'secret']);
    expect(await readdir(other)).toEqual(['secret']);
  });

  test('has no capability, gains none, and sees no other process', async () => {
    const status = await printed('cat /proc/self/status; echo /proc/[0-9]*', as);
    expect(status.match(/^Cap\w+:\s*0{16}$/gm)).toHaveLength(5);
    expect(status).toContain('NoNewPrivs:\t1');
    expect(status.trim().split('\n').at(-1)?.split(' ').length).toBeLessThan(6);
  });

  test('opens no device of a folder that it sees, and no setuid bit counts there', async () => {
    const folder = await victim();
    execFileSync('mknod', ['-m', '666', join(folder, 'disk'), 'b', '7', '0']);
    execFileSync('mknod', ['-m', '666', join(folder, 'null'), 'c', '1', '3']);
    execFileSync('cp', ['/usr/bin/id', join(folder, 'id')]);
    await chmod(join(folder, 'id'), 0o6755);
    const sandbox = { readOnly: [], writable: [{ from: folder, to: '/shown' }] };
    const script =
      'for name in disk null; do (: < /shown/$name) 2>&1; done; echo; /shown/id -u; id -u; grep /shown /proc/mounts';
    const lines = (await run(script, { ...as, sandbox })).stdout.toString().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      expect.stringContaining('/shown/disk: Permission denied'),
      expect.stringContaining('/shown/null: Permission denied'),
      '',
    ]);
    expect(lines[3]).toBe(lines[4]);
    expect(lines[5]).toMatch(/nosuid,nodev/);
  });

  test('reaches no network, not even this machine, unless that is asked for', async () => {
    const server = createServer((socket) => socket.end('hello\n'));
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const script = 'exec 2>/dev/null; exec bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; cat <&3" bash "$1"';
    const args = [String(port)];
    expect((await run(script, { ...as, args })).stdout.toString()).toBe('');
    const sandbox = { ...NOTHING, network: true };
    expect((await run(script, { ...as, args, sandbox })).stdout.toString()).toBe('hello\n');
    const names = await printed('cat /etc/resolv.conf; ls /etc', { ...as, sandbox });
    expect(names).toContain(await readFile('/etc/resolv.conf', 'utf8'));
    expect(await printed('while read -r name _; do echo "$name"; done < /proc/net/dev', as)).toBe(
      'Inter-|\nface\nlo:\n',
    );
  });

  test('is held to its limits', async () => {
    const limited = (limits: Sandbox['limits'] & object, script: string) =>
      run(script, { ...as, sandbox: { ...NOTHING, limits } });
    const large = await limited({ fileBytes: 1000 }, 'head -c 2000 /dev/zero > /tmp/x; wc -c < /tmp/x');
    expect(large.stdout.toString()).toBe('1000\n');
    const hungry = await limited(
      { memoryBytes: 100_000_000 },
      'dd if=/dev/zero of=/dev/null bs=300M count=1',
    );
    expect(hungry.stderr).toMatch(/memory exhausted|cannot allocate/i);
    const asked = 'ulimit -c; ulimit -f; ulimit -v';
    expect((await limited({ fileBytes: 5120, memoryBytes: 4096 * 100_000 }, asked)).stdout.toString()).toBe(
      '0\n10\n400000\n',
    );
  });

  test('has status, output, errors, input, environment, folder and lines as any other', async () => {
    const folder = await temporary();
    await chown(folder, USER.uid, USER.gid);
    const lines: string[] = [];
    const { status, stdout, stderr } = await run('cat; pwd; echo err >&2; env >&2; exit 7', {
      ...as,
      input: 'in\n',
      env: { KBUILD: '1' },
      cwd: '/work',
      sandbox: { readOnly: [], writable: [{ from: folder, to: '/work' }] },
      onLine: (line) => void lines.push(line),
    });
    expect([status, stdout.toString(), stderr.split('\n')[0]]).toEqual([7, 'in\n/work\n', 'err']);
    expect(lines).toContain('/work');
    const names = stderr.match(/^\w+(?==)/gm) ?? [];
    expect(names.filter((name) => !/^(OLD)?PWD$/.test(name)).sort()).toEqual(['KBUILD', 'LC_ALL', 'PATH']);
  });

  test.each([
    ['KILL', 137],
    ['SEGV', 139],
  ])('that SIG%s ends has status %d', async (signal, status) => {
    expect((await run(`kill -${signal} $$`, as)).status).toBe(status);
  });

  test('that is not there, or may not be run, has status 127 or 126', async () => {
    const options = { effect: 'write', sandbox: NOTHING, ...as } as const;
    expect((await runProgram(['no-such-program-anywhere'], options)).status).toBe(127);
    expect((await runProgram(['/etc/passwd'], options)).status).toBe(126);
  });

  test('ends with all that it has started: when it ends, when it is aborted, when its time is over', async () => {
    const mark = `sleep 600.${Math.floor(Math.random() * 1e9)}`;
    const left = `setsid ${mark} < /dev/null > /dev/null 2>&1 &`;
    expect((await run(`${left} exit 3`, as)).status).toBe(3);
    const controller = new AbortController();
    const aborted = run(`${left} echo up; wait; sleep 600`, {
      ...as,
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    expect((await aborted).status).not.toBe(0);
    expect((await run(`${left} sleep 600`, { ...as, timeoutMs: 300 })).status).not.toBe(0);
    await until(async () => !(await commandLines()).some((line) => line.includes(mark)));
  });
});

async function commandLines(): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = ids.map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => ''));
  return (await Promise.all(texts)).map((text) => text.replaceAll('\0', ' '));
}

test('another user’s program is that user, in no group but one, and can become nobody else', async () => {
  expect(await printed('id -u; id -G; grep ^Groups /proc/self/status', { user: USER })).toBe(
    `${USER.uid}\n${USER.gid}\nGroups:\t \n`,
  );
  const { status } = await run('setpriv --reuid=0 id || su -c id || unshare -Ur id', { user: USER });
  expect(status).not.toBe(0);
});

test('another user’s program reaches its own private folder', async () => {
  const folder = await temporary();
  await chmod(folder, 0o700);
  await chown(folder, USER.uid, USER.gid);
  const sandbox = { readOnly: [], writable: [{ from: folder, to: '/work' }] };
  await printed('cd /work && touch x', { user: USER, sandbox });
  expect(await readdir(folder)).toEqual(['x']);
});

describe('where this process is not root', () => {
  test('the sandbox is made by the user’s own namespaces, and shows the same', async () => {
    const folder = await victim();
    await mkdir(join(folder, 'in'));
    await chown(join(folder, 'in'), NOBODY.uid, NOBODY.gid);
    const script = `cat "${folder}/secret" 2>/dev/null; touch /in/x /tmp/x; (touch /usr/x /x) 2>/dev/null; grep Cap /proc/self/status; ls /var /home 2>/dev/null; exit 9`;
    const { status, stdout } = await asNobody(script, {
      readOnly: [],
      writable: [{ from: join(folder, 'in'), to: '/in' }],
    });
    expect(status).toBe(9);
    expect(stdout.toString()).toMatch(/^(Cap\w+:\s*0{16}\n){5}$/);
    expect(await readdir(join(folder, 'in'))).toEqual(['x']);
  });
});

describe('when mptfix is killed', () => {
  test.each([
    ['root’s', undefined],
    ['another user’s', USER],
  ])('%s program in a sandbox and all that it has started are dead at once', async (_, user) => {
    const mark = `sleep 600.${Math.floor(Math.random() * 1e9)}`;
    const program = `
      const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
      await runProgram(['sh', '-c', process.argv[1]], JSON.parse(process.argv[2]));`;
    const options = JSON.stringify({ effect: 'read', sandbox: NOTHING, user });
    const script = `setsid ${mark} & (setsid setsid ${mark} &) ; ${mark}`;
    const node = spawn(process.execPath, ['--input-type=module', '-e', program, script, options]);
    const running = async () => (await commandLines()).filter((line) => line.trim() === mark).length;
    await until(async () => (await running()) === 3);
    node.kill('SIGKILL');
    await until(async () => (await running()) === 0);
  });
});

test('a link in a folder that is shown leads nowhere outside', async () => {
  const [folder, other] = [await temporary(), await victim()];
  await symlink(join(other, 'secret'), join(folder, 'link'));
  await symlink(other, join(folder, 'away'));
  const sandbox = { readOnly: [], writable: [{ from: folder, to: '/shown' }] };
  const { stdout } = await run('cat /shown/link; echo x > /shown/away/new; rm -rf /shown/away/', { sandbox });
  expect(stdout.toString()).toBe('');
  expect(await readdir(other)).toEqual(['secret']);
  await rm(join(folder, 'link'));
  await writeFile(join(folder, 'link'), '');
});

test('in a PID namespace with an older /proc it is refused at once, where bubblewrap would leave a child that waits for ever', async () => {
  const script = `
    const { runProgram } = await import(${JSON.stringify(resolve('src/machine/run.ts'))});
    await runProgram(['true'], { effect: 'read', sandbox: { readOnly: [], writable: [] } })
      .then(({ status }) => console.log(status), ({ failure }) => console.log(failure.code, failure.next));`;
  const answers = (...words: readonly string[]) =>
    execFileSync(
      'unshare',
      ['--pid', '--fork', ...words, process.execPath, ...RUNS_TYPESCRIPT, '-e', script],
      {
        timeout: 30_000,
      },
    ).toString();
  expect(answers()).toMatch(/^E_SANDBOX .*unshare --mount-proc/);
  expect(answers('--mount-proc')).toBe('0\n');
});
