import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sh, temporary } from './temporary.ts';

/** A program that waits in the kernel: a write to a file system that is frozen. No signal ends it. */
test('a program that cannot be ended is let go of after the time limit, and holds nobody', async () => {
  const folder = await temporary();
  const mountPoint = join(folder, 'mount');
  sh(
    'truncate -s 8M "$1/image"; mkfs.ext4 -q -F "$1/image"; mkdir "$2"; mount -o loop "$1/image" "$2"',
    folder,
    mountPoint,
  );
  onTestFinished(() => void sh('umount "$1"', mountPoint));
  sh('fsfreeze --freeze "$1"', mountPoint);
  onTestFinished(() => void sh('fsfreeze --unfreeze "$1"; sleep 0.2', mountPoint));
  const script = `
    const { runProgram } = await import(process.argv[1]);
    const result = await runProgram(['touch', process.argv[2]], { effect: 'write', timeoutMs: 200 });
    console.log(result.status, result.stderr);`;
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      script,
      join(process.cwd(), 'src/machine/run.ts'),
      join(mountPoint, 'file'),
    ],
    { encoding: 'utf8', timeout: 50_000, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  expect([status, stdout]).toEqual([0, '137 it cannot be ended\n']);
});
