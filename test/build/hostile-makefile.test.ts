import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileModule } from '../../src/build/compile.ts';
import { MACHINE } from '../../src/build/toolchain/toolchain.ts';
import { listing } from '../helpers/listing.ts';
import { processes } from '../helpers/processes.ts';
import { failureOf, put, temporary, until, workspaceForTest } from '../machine/temporary.ts';

/** A server of this machine, and whether anybody has come. */
async function server(): Promise<{ readonly port: number; visitors(): number }> {
  let count = 0;
  const listener = createServer((socket) => {
    count += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listener.close());
  const address = listener.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, visitors: () => count };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    onTestFinished(() => void socket.destroy());
  });
}

/** Runs a build whose Makefile has this recipe. What it says on lines of `got …` it should not have got. */
async function hostile(recipe: (place: { host: string; pid: number }) => readonly string[]) {
  const host = await temporary({ 'key.pem': 'key', 'apt/auth.conf': 'password', 'cache/entry': 'entry' });
  const workspace = await workspaceForTest(await temporary());
  mkdirSync(workspace.own('apt'));
  writeFileSync(workspace.own('apt/auth.conf'), 'password');
  const neighbour = spawn('sleep', ['600'], { ...workspace.user, stdio: 'ignore' });
  onTestFinished(() => void neighbour.kill('SIGKILL'));
  const makefile = `modules:\n${recipe({ host, pid: neighbour.pid ?? 0 })
    .map((line) => `\t@${line}\n`)
    .join('')}\t@echo done\n`;
  await put(workspace.folder, { 'headers/Makefile': makefile });
  const notes: string[] = [];
  const state = () => ({
    files: listing(host),
    headers: listing(workspace.at('headers')),
    // Other tests mount meanwhile.
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) =>
        [host, workspace.at(), workspace.own(), '/build', '/headers'].some((path) =>
          line.includes(` ${path}`),
        ),
      ),
    running: processes()
      .filter(({ uid }) => uid === workspace.user?.uid)
      .map(({ argv }) => argv),
  });
  const before = state();
  const failed = await failureOf(
    compileModule({
      workspace,
      headers: {
        folder: '/headers',
        binds: [{ from: workspace.at('headers'), to: '/headers' }],
        version: '6.1.9',
      },
      files: new Map([['mptscsih.c', Buffer.from('')]]),
      module: 'mptscsih',
      label: 'patched',
      toolchain: MACHINE,
      progress: { note: (text) => notes.push(text), bytes: () => {} },
      signal: new AbortController().signal,
    }),
  );
  // The kernel takes a moment to end what was killed.
  await until(() => state().running.length <= before.running.length);
  expect(state()).toEqual(before);
  return { notes, failed, got: notes.filter((line) => line.startsWith('got ')) };
}

describe('a Makefile of a guest', () => {
  test('reads nothing of this machine but the toolchain', async () => {
    const { got, notes } = await hostile(({ host }) => [
      '-cat /etc/shadow && echo got shadow',
      `-cat ${host}/key.pem && echo got the key`,
      `-cat ${host}/apt/auth.conf && echo got credentials`,
      `-cat ${host}/cache/entry && echo got the cache`,
      '-ls /var/tmp /root /home /boot /etc/apt /var/lib/mptfix 2>/dev/null | grep . && echo got folders',
      '-find / -xdev -name auth.conf 2>/dev/null | grep . && echo got credentials by search',
      '-ls -d /lib/modules/* 2>/dev/null && echo got kernels',
    ]);
    expect(got).toEqual([]);
    expect(notes).toContain('done');
  });

  test('writes nowhere but into its folder', async () => {
    const { got } = await hostile(({ host }) => [
      `-echo x > ${host}/key.pem && echo got the key`,
      '-echo x >> /headers/Makefile && echo got the headers',
      '-chmod 777 /headers && echo got their mode',
      '-ln -s /x /headers/link && echo got a link',
      '-echo x > /usr/bin/mptfix-test && echo got /usr',
      '-touch /etc/mptfix-test && echo got /etc',
      '-sh -c "echo core > /proc/sys/kernel/core_pattern" && echo got sysctl',
    ]);
    expect(got).toEqual([]);
  });

  test('gets no device, mount, namespace or user', async () => {
    const { got } = await hostile(() => [
      '-mknod $(M)/disk b 7 200 && echo got a device',
      '-mount -t tmpfs none $(M) && echo got a mount',
      '-unshare -m true && echo got a namespace',
      '-cp /usr/bin/id $(M)/id && chown 0:0 $(M)/id && echo got root',
      '-setpriv --reuid=0 true && echo got uid 0',
      '-ls /dev/sd* /dev/vd* /dev/loop* /dev/kmsg /dev/mem 2>/dev/null | grep . && echo got disks',
      '-grep "CapEff:.*[1-9a-f]" /proc/self/status && echo got capabilities',
    ]);
    expect(got).toEqual([]);
  });

  test('sees, signals and traces no other process, though its user has one', async () => {
    const { got } = await hostile(({ pid }) => [
      `-kill -0 ${pid} && echo got a neighbour`,
      `-cat /proc/${pid}/status && echo got its state`,
      `-[ $$(ls -d /proc/[0-9]* | wc -l) -gt 20 ] && echo got processes`,
      `-kill -9 ${pid}; true`,
      '-sh -c "kill -9 -1"; true',
    ]);
    expect(got).toEqual([]);
  });

  test('reaches no server and is none', async () => {
    const { port, visitors } = await server();
    const own = 21_000 + Math.floor(Math.random() * 9000);
    const listen = `import socket,time; s=socket.create_server(('0.0.0.0',${own})); print('listening',flush=True); time.sleep(3)`;
    let reached: Promise<boolean> | undefined;
    const ticking = setInterval(() => {
      reached ??= canConnect(own).then((can) => {
        if (!can) reached = undefined;
        return can;
      });
    }, 50);
    const { got, notes } = await hostile(() => [
      `-bash -c 'echo x > /dev/tcp/127.0.0.1/${port}' && echo got out`,
      `-python3 -c "${listen}"`,
      '-getent hosts debian.org && echo got a name',
    ]);
    clearInterval(ticking);
    expect([got, visitors(), (await reached) ?? false]).toEqual([[], 0, false]);
    expect(notes).toContain('listening');
  });

  test('leaves nothing running that it has started away from itself', async () => {
    const { notes } = await hostile(() => [
      '-setsid sh -c "while :; do sleep 0.1; touch $(M)/still-here; done" </dev/null >/dev/null 2>&1 &',
      '-for n in 1 2 3 4 5; do setsid setsid sleep 300 </dev/null >/dev/null 2>&1 & done; sleep 0.3',
    ]);
    expect(notes).toContain('done');
  });

  test('is stopped before it has filled the disk, with one file or many', async () => {
    const { failed, got } = await hostile(() => [
      '-fallocate -l 5G $(M)/huge && echo got one file',
      'for n in $$(seq 600); do fallocate -l 100M $(M)/f$$n || exit 1; sleep 0.1; done; echo got all',
    ]);
    expect(got).toEqual([]);
    expect([failed.code, failed.what]).toEqual(['E_BUILD', expect.stringContaining('the build has written')]);
  });

  test('is refused more processes and memory than a build needs', async () => {
    const { got } = await hostile(() => [
      '-python3 -c "bytearray(9 << 30)" && echo got memory',
      '-[ $$(ulimit -u) = unlimited ] && echo got processes',
      '-[ $$(ulimit -c) = 0 ] || echo got cores',
    ]);
    expect(got).toEqual([]);
  });
});
