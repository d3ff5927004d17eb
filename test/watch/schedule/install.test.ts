import { execFileSync } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, mptfix } from '../../helpers/cli.ts';
import { listing } from '../../helpers/listing.ts';
import { put, sh, temporary } from '../../machine/temporary.ts';
import { machine } from '../machine.ts';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const GUEST = {
  'usr/bin/node': 'node',
  'usr/local/lib/node_modules/mptfix/bin/mptfix.cjs': 'mptfix',
  'etc/fstab': '/dev/sda1 / ext4 defaults 0 1\n',
  'run/utmp': '',
};
const SYSTEMD = {
  ...GUEST,
  'lib/systemd/systemd': '',
  'etc/systemd/system/other.service': '[Service]\n',
  'etc/cron.d/.placeholder': '',
};

/** Names, kinds, modes, owners and contents; times of files too, but not of folders, whose entries came and went. */
function state(root: string): readonly string[] {
  return listing(root).map((line) => (/ d \d+ /.test(line) ? line.replace(/ \d+ $/, '') : line));
}

const install = (root: string, ...args: readonly string[]) =>
  mptfix(['watch', 'install', '--root', root, '--yes', '--json', '--to', 'admin@example.org', ...args]);

test('systemd: units that are enabled by their links, which systemd takes; uninstall leaves nothing', async () => {
  const root = await temporary(SYSTEMD);
  const before = state(root);
  const run = await install(root);
  expect([run.status, json(run).scheduler, json(run).everyMinutes]).toEqual([0, 'systemd', 1]);
  const units = join(root, 'etc/systemd/system');
  const service = await readFile(join(units, 'mptfix-watch.service'), 'utf8');
  expect(service).toContain(
    'ExecStart=/run/mptfix/memory/node /run/mptfix/memory/bin/mptfix.cjs watch once --to admin@example.org\n',
  );
  // Neither unit runs with what systemctl set-environment has put into systemd's own.
  for (const unit of [service, await readFile(join(units, 'mptfix-watch-memory.service'), 'utf8')])
    for (const name of ['LD_PRELOAD', 'LD_AUDIT', 'NODE_OPTIONS', 'NODE_PATH'])
      expect(unit).toContain(`\nEnvironment=${name}=\n`);
  expect(await readFile(join(units, 'timers.target.wants/mptfix-watch.timer'), 'utf8')).toContain(
    'OnUnitActiveSec=1min\n',
  );
  expect((await mptfix(['watch', 'uninstall', '--root', root, '--yes'])).status).toBe(0);
  expect(state(root)).toEqual(before);
});

test.each([
  ['1m', '* * * * *'],
  ['10m', '*/10 * * * *'],
  ['1h', '0 * * * *'],
  ['60m', '0 * * * *'],
  ['6h', '0 */6 * * *'],
])('cron where there is no systemd, every %s', async (every, when) => {
  const root = await temporary({ ...GUEST, 'etc/cron.d/other': '# another’s\n' });
  const before = state(root);
  const run = await install(root, '--every', every);
  expect(json(run)).toMatchObject({ scheduler: 'cron.d', paths: ['/etc/cron.d/mptfix-watch'] });
  const text = await readFile(join(root, 'etc/cron.d/mptfix-watch'), 'utf8');
  const clean =
    'LD_PRELOAD= LD_AUDIT= LD_LIBRARY_PATH=/run/mptfix/memory/lib NODE_OPTIONS= NODE_PATH= NODE_EXTRA_CA_CERTS=';
  expect(text).toContain(`\n${when} root PATH=${PATH} ${clean} /run/mptfix/memory/node `);
  expect(text).toContain(
    `@reboot root PATH=${PATH} LD_PRELOAD= LD_AUDIT= LD_LIBRARY_PATH= NODE_OPTIONS= NODE_PATH= NODE_EXTRA_CA_CERTS= /usr/bin/node /usr/local/lib/node_modules/mptfix/bin/mptfix.cjs watch load\n`,
  );
  await mptfix(['watch', 'uninstall', '--root', root, '--yes']);
  expect(state(root)).toEqual(before);
});

test('a marked part of /etc/crontab where there is nothing else; the rest stays as it is', async () => {
  const root = await temporary({
    ...GUEST,
    'etc/crontab': 'SHELL=/bin/sh\n17 * * * * root run-parts /etc/cron.hourly\n',
  });
  const before = await readFile(join(root, 'etc/crontab'), 'utf8');
  for (const every of ['10m', '5m'])
    expect(json(await install(root, '--every', every, '--from-disk')).scheduler).toBe('crontab');
  const text = await readFile(join(root, 'etc/crontab'), 'utf8');
  expect([text.startsWith(before), text.match(/mptfix\.cjs/g)?.length]).toEqual([true, 1]);
  expect(text).toContain('\n*/5 * * * * root PATH=');
  expect(text).toContain(
    'NODE_EXTRA_CA_CERTS= /usr/bin/node /usr/local/lib/node_modules/mptfix/bin/mptfix.cjs watch once',
  );
  await mptfix(['watch', 'uninstall', '--root', root, '--yes']);
  expect(await readFile(join(root, 'etc/crontab'), 'utf8')).toBe(before);
});

test('an address is one word, whatever it holds', async () => {
  const root = await temporary({ ...GUEST, 'etc/cron.d/.x': '' });
  const address = "o'neil%$HOME@example.org";
  await install(root, '--from-disk', '--to', address);
  const [, line = ''] =
    /root (.*) >\/dev\/null/.exec(await readFile(join(root, 'etc/cron.d/mptfix-watch'), 'utf8')) ?? [];
  // As cron does it before it hands the line to sh.
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line.replaceAll('\\%', '%')}`])
    .toString()
    .split('\n');
  expect(words).toContain(address);
});

test('a dry run and a refusal write nothing', async () => {
  const root = await temporary(SYSTEMD);
  const before = listing(root);
  expect((await install(root, '--dry-run')).status).toBe(0);
  const asked = await mptfix(['watch', 'install', '--root', root, '--to', 'root']);
  expect(asked.status).toBe(2);
  for (const every of ['7m', '0m', '90m', '90s', '2d', '10', '', '-1m'])
    expect((await install(root, `--every=${every}`)).status).toBe(2);
  expect((await mptfix(['watch', 'install', '--root', root, '--yes'])).status).toBe(2);
  expect(listing(root)).toEqual(before);
});

test('says that it is installed; warns where no notice could reach anybody; refuses where nobody is named', async () => {
  const tree = async (more: object = {}) => temporary({ ...GUEST, 'etc/cron.d/.x': '', ...more });
  const words = ['watch', 'install', '--yes', '--to', 'root', '--root'];
  const mta = { 'usr/sbin/sendmail': '' };
  const page = await mptfix([...words, await tree(mta)]);
  expect([page.status, page.stdout]).toEqual([
    0,
    'installed: the watch runs every minute, by cron.d\n  /etc/cron.d/mptfix-watch\n',
  ]);
  expect(json(await install(await tree(mta)))).toMatchObject({ result: 'installed', notes: [] });
  const noWay = expect.stringContaining('nobody would be told of an alarm: there is no /usr/sbin/sendmail');
  expect(json(await install(await tree()))).toMatchObject({ result: 'installed', notes: [noWay] });
  const asked = await mptfix([...words.filter((word) => word !== '--yes'), await tree(), '--dry-run']);
  expect([asked.status, asked.stdout]).toEqual([0, expect.stringMatching(/^WARNING: nobody would be told/)]);
  for (const config of [undefined, {}, { kernelLog: true }, { smtp: { host: 'relay.example.org' } }]) {
    const root = await tree(
      config === undefined ? {} : { 'etc/mptfix.json': JSON.stringify({ watch: config }) },
    );
    const before = listing(root);
    const refused = await mptfix(['watch', 'install', '--yes', '--json', '--root', root]);
    expect([refused.status, json(refused).error.code]).toEqual([2, 'E_USAGE']);
    expect(listing(root)).toEqual(before);
  }
});

test('a guest without a scheduler, or without Node, is told so', async () => {
  const none = await install(await temporary(GUEST));
  expect([none.status, json(none).error.code]).toEqual([3, 'E_SCHEDULE']);
  const bare = await install(await temporary({ 'etc/cron.d/.x': '' }));
  expect([bare.status, json(bare).error.code]).toEqual([3, 'E_TOOLS_MISSING']);
});

test('the copy in memory runs with nothing of the disks but the dynamic linker', async () => {
  const on = await machine();
  expect((await on.mptfix(['watch', 'load'])).status).toBe(0);
  expect(on.sh('findmnt -no FSTYPE /run/mptfix/memory')).toBe('ramfs\n');
  const bare = join(on.folder, 'bare');
  for (const name of ['proc', 'sys', 'dev', 'run', 'etc', 'lib64'])
    await mkdir(join(bare, name), { recursive: true });
  const [linker = ''] = (await readFile('/proc/self/maps', 'utf8')).match(/\/\S*\/ld-linux\S*/) ?? [];
  await put(bare, { 'lib64/ld-linux-x86-64.so.2': await readFile(linker) });
  on.sh('chmod 755 bare/lib64/*; for d in proc sys dev run; do mount --rbind /$d bare/$d; done');
  const out = on.sh(
    'LD_LIBRARY_PATH=/run/mptfix/memory/lib chroot bare /run/mptfix/memory/node /run/mptfix/memory/bin/mptfix.cjs watch once --json',
  );
  expect(JSON.parse(out)).toMatchObject({ schema: 'mptfix.watch/1', result: 'ok', notes: [] });
  on.sh('for d in proc sys dev run; do umount -R -l bare/$d; done');
  expect((await on.mptfix(['watch', 'load'])).stderr).toMatch(/^0 files/);
  on.sh('rm /run/mptfix/memory/complete /run/mptfix/memory/lib/libc.so.6');
  expect((await on.mptfix(['watch', 'load'])).stderr).toMatch(/^[1-9]\d* files/);
  expect(on.sh('ls /run/mptfix/memory/lib')).toContain('libc.so.6\n');
  await on.mptfix(['watch', 'once', '--json']);
});

describe('what the schedule would run as root, root alone may be able to change:', () => {
  /** mptfix with its Node in a folder of a home, all of it root's. */
  async function copied(): Promise<{ readonly base: string; readonly bin: string; readonly node: string }> {
    const base = await temporary();
    const folder = join(base, 'home/mptfix');
    await mkdir(folder, { recursive: true });
    for (const part of ['bin', 'dist', 'patches', 'package.json'])
      await cp(part, join(folder, part), { recursive: true });
    const node = join(base, 'node');
    await copyFile(process.execPath, node);
    await chmod(node, 0o755);
    sh('chmod -R go-w "$1"', base);
    return { base, bin: join(folder, 'bin/mptfix.cjs'), node };
  }

  const planned = (at: { readonly bin: string; readonly node: string }) =>
    mptfix(['watch', 'install', '--to', 'root', '--dry-run', '--json'], at);
  const SAYS = /somebody else could change it: \S+ does not belong to root, or others may write it/;

  test.each([
    ['a home of somebody', async (base: string) => chown(join(base, 'home'), 1000, 1000)],
    ['the checkout is somebody’s', async (base: string) => chown(join(base, 'home/mptfix'), 1000, 1000)],
    [
      'a chunk is somebody’s',
      async (base: string) => chown(join(base, 'home/mptfix/dist/start.js'), 1000, 1000),
    ],
    [
      'others may write a chunk',
      async (base: string) => chmod(join(base, 'home/mptfix/dist/start.js'), 0o666),
    ],
    ['others may write the folder', async (base: string) => chmod(join(base, 'home/mptfix/bin'), 0o777)],
    ['Node is somebody’s', async (base: string) => chown(join(base, 'node'), 1000, 1000)],
  ])('%s', async (_, spoil) => {
    const at = await copied();
    await spoil(at.base);
    const run = await planned(at);
    const { code, what, next } = json(run).error;
    expect([run.status, code, what]).toEqual([3, 'E_SCHEDULE', expect.stringMatching(SAYS)]);
    expect(next).toMatch(
      /^as root: `mkdir -p \/opt\/mptfix && cp -RL .*\/bin .*`; then the same command, begun with `/,
    );
  });

  test('the command that it names makes a copy that is taken', async () => {
    const at = await copied();
    await chown(join(at.base, 'home'), 1000, 1000);
    const { next } = json(await planned(at)).error;
    const place = await temporary();
    const [, command = ''] = /^as root: `([^`]*)`/.exec(next) ?? [];
    sh(command.replaceAll('/opt/mptfix', join(place, 'opt')));
    const run = await planned({ bin: join(place, 'opt/bin/mptfix.cjs'), node: at.node });
    expect(run.stdout).not.toMatch(SAYS);
  });

  test('in a tree as well, by the tree’s own owners', async () => {
    const root = await temporary(SYSTEMD);
    await chown(join(root, 'usr/local/lib/node_modules'), 1000, 1000);
    const run = await install(root);
    expect([run.status, json(run).error.what]).toEqual([3, expect.stringMatching(SAYS)]);
  });
});

test('a relative --config is in the schedule by its whole path', async () => {
  const root = await temporary({ ...SYSTEMD, 'etc/watch.json': '{ "watch": { "to": ["a@example.org"] } }' });
  const args = ['watch', 'install', '--root', root, '--yes', '--json', '--config', 'etc/watch.json'];
  const run = await mptfix(args, { cwd: '/' });
  expect([run.status, run.stderr]).toEqual([0, '']);
  const unit = json(run).paths.find((path: string) => path.endsWith('.service'));
  expect(await readFile(join(root, unit), 'utf8')).toContain(' --config /etc/watch.json\n');
});
