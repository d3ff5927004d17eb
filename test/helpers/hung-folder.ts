import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { sh, temporary } from '../machine/temporary.ts';

/** Mounts a FUSE file system whose server, which holds /dev/fuse, never answers: every look at it waits for ever. */
const SERVE_NOTHING = `exec 3<>/dev/fuse
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0,allow_other hung "$1"
echo ready
exec sleep 600`;

/** For as long as the test runs; when the server is gone, who still waits gets an error. */
export async function hungFolder(at?: string): Promise<string> {
  const folder = at ?? (await temporary());
  const server = spawn('sh', ['-ec', SERVE_NOTHING, 'sh', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    sh('umount --lazy "$1"', folder);
  });
  await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
  return folder;
}
