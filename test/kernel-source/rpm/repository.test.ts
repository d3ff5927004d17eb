import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FoundRpm } from '../../../src/kernel-source/rpm/package.ts';
import { openRepository } from '../../../src/kernel-source/rpm/repository.ts';
import { failureOf, temporary, workspaceForTest } from '../../machine/temporary.ts';
import { develRpm, folderWith, mirrorOf } from './rpms.ts';

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
});

interface Served {
  readonly url: string;
  /** Of each request for a package, from which byte on it was for. */
  readonly starts: number[];
}

/** A folder by HTTP. The first `cut` answers with a package end after half of it, the connection with them. */
async function served(folder: string, cut: number): Promise<Served> {
  const starts: number[] = [];
  const server = createServer((request, response) => {
    const path = join(folder, decodeURI(request.url ?? ''));
    if (!path.endsWith('.rpm')) return answer(response, path);
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    starts.push(start);
    const bytes = readFileSync(path);
    response.writeHead(start === 0 ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': bytes.length - start,
      'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    });
    if (starts.length > cut) response.end(bytes.subarray(start));
    else response.write(bytes.subarray(start, start + (bytes.length - start) / 2), () => response.destroy());
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, starts };
}

function answer(response: ServerResponse, path: string): void {
  try {
    response.end(readFileSync(path));
  } catch {
    response.writeHead(404).end();
  }
}

async function repository(): Promise<{ readonly folder: string; readonly bytes: Buffer }> {
  const headers = folderWith(await temporary(), { Makefile: 'x'.repeat(5000) });
  const file = await develRpm({ version: '4.18.0', release: '553.el8' }, headers);
  return { folder: await mirrorOf([file], true), bytes: readFileSync(file) };
}

const progress = { note: () => {}, bytes: () => {} };

async function fetched(url: string, keeps = false): Promise<Buffer> {
  const workspace = await workspaceForTest();
  const archive = await openRepository(workspace, url, { keeps, signal: undefined });
  const [found] = await archive.find(['kernel-devel']);
  const to = workspace.own('package.rpm');
  await archive.fetch(found as FoundRpm, to, progress);
  return readFileSync(to);
}

describe('a package of an archive on the network', () => {
  test('is found by its index and fetched', async () => {
    const { folder, bytes } = await repository();
    const { url, starts } = await served(folder, 0);
    expect((await fetched(url)).equals(bytes)).toBe(true);
    expect(starts).toEqual([0]);
  });

  test('whose transfer is cut short is continued, not begun again', async () => {
    const { folder, bytes } = await repository();
    const { url, starts } = await served(folder, 2);
    expect((await fetched(url)).equals(bytes)).toBe(true);
    expect([starts.length, starts[0]]).toEqual([3, 0]);
    expect(starts.slice(1).every((start, index) => start > (starts[index] ?? 0))).toBe(true);
  });

  test('that a run could not fetch to its end is continued by the next run, and then kept', async () => {
    const { folder, bytes } = await repository();
    vi.stubEnv('XDG_CACHE_HOME', await temporary());
    const broken = await served(folder, 100);
    expect((await failureOf(fetched(broken.url, true))).code).toBe('E_FETCH');
    const { url, starts } = await served(folder, 0);
    expect((await fetched(url, true)).equals(bytes)).toBe(true);
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeGreaterThan(0);
    // The third asks for nothing any more.
    expect((await fetched(url, true)).equals(bytes)).toBe(true);
    expect(starts).toHaveLength(1);
  });

  test('that the index does not tell truly is E_FETCH', async () => {
    const { folder } = await repository();
    const [name = ''] = readdirSync(folder).filter((one) => one.endsWith('.rpm'));
    folderWith(folder, { [name]: 'short' });
    const { url } = await served(folder, 0);
    const { code, what } = await failureOf(fetched(url));
    expect([code, what]).toEqual(['E_FETCH', expect.stringContaining(basename(name))]);
  });
});

test('an archive that is not there is E_FETCH', async () => {
  expect((await failureOf(fetched('http://127.0.0.1:9'))).code).toBe('E_FETCH');
});
