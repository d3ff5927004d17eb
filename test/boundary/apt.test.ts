import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { range } from '../helpers/attack.ts';
import { repository } from '../kernel-source/apt/repository.ts';

const { victim, tree, attack } = range();

/** An archive of a folder's files; answers its address, and what it was asked. */
async function archive(folder: string) {
  const asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, answer) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://x').pathname);
    asked.push({ path: request.url ?? '', headers: request.headers });
    if (!existsSync(path)) answer.writeHead(404).end();
    else answer.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** A build whose source has to be fetched from what the tree's sources name. */
function fetching(root: string) {
  const work = join(victim().base, 'work');
  mkdirSync(work, { recursive: true });
  const output = join(victim().base, 'out');
  return attack(['build', '--root', root, '--work', work, '--output', output, '--no-cache', '--json']);
}

describe('the archives that a tree names', () => {
  test('have their keys from the tree, and put none into the host', async () => {
    const { root } = tree('apt-key');
    const { run, harm } = await fetching(root);
    expect([harm, run.status]).toEqual([[], 4]);
  });

  test.each([
    ['etc/apt/sources.list', (url: string) => `deb [trusted=yes] ${url} ./\n`],
    ['etc/apt/sources.list', (url: string) => `deb [ arch=all allow-insecure=yes trusted=yes ] ${url} ./\n`],
    [
      'etc/apt/sources.list.d/x.sources',
      (url: string) => `Types: deb\nURIs: ${url}\nSuites: ./\nTrusted: yes\nAllow-Insecure: yes\n`,
    ],
    [
      'etc/apt/sources.list.d/x.sources',
      (url: string) => `Types: deb\nURIs: ${url}\nSuites: ./\nTRUSTED:\n yes\nallow-weak: yes\n`,
    ],
  ])('are not trusted because it says so (%s, %#)', async (path, text) => {
    const packages = await repository([{ name: 'linux-source-6.1', version: '6.1.9-1' }]);
    const { url, asked } = await archive(packages);
    const { root } = tree();
    mkdirSync(join(root, 'etc/apt/sources.list.d'), { recursive: true });
    writeFileSync(join(root, path), text(url));
    const { run, harm } = await fetching(root);
    expect([run.status, JSON.parse(run.stdout).error?.code, harm]).toEqual([4, 'E_SIGNATURE', []]);
    expect(asked.some(({ path: one }) => one.endsWith('.deb'))).toBe(false);
  });

  test('get none of the passwords that lie in the tree', async () => {
    const { url, asked } = await archive(victim().base);
    const { root } = tree();
    mkdirSync(join(root, 'etc/apt/auth.conf.d'), { recursive: true });
    writeFileSync(join(root, 'etc/apt/sources.list'), `deb ${url} ./\n`);
    for (const name of ['auth.conf', 'auth.conf.d/more.conf'])
      writeFileSync(join(root, 'etc/apt', name), `machine ${url} login me password secret\n`);
    await fetching(root);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  });
});
