import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mptfix } from '../../helpers/cli.ts';
import { put } from '../../machine/temporary.ts';
import { guest, machineWithRelay, once } from './guest-with-config.ts';
import { relay } from './relay.ts';
import { web } from './web.ts';

const CANARY = 'can"ary/7f3a';
const FORMS = [
  CANARY,
  encodeURIComponent(CANARY),
  '7f3a',
  Buffer.from(CANARY).toString('base64').slice(0, 12),
  Buffer.from(`\u0000watch\u0000${CANARY}`).toString('base64').slice(0, 20),
  Buffer.from(`watch:${CANARY}`).toString('base64').slice(0, 16),
];

/** A server that answers each line, and the connection itself, by what the test says. */
async function lines(hello: string, answer: (line: string) => string): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(hello);
    socket.on('data', (chunk: Buffer) => void socket.write(answer(chunk.toString())));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Every way in which a result is shown. */
async function shown(root: string): Promise<string> {
  const config = join(root, 'etc/mptfix.json');
  const words = ['--root', root, '--config', config];
  const runs = [
    await mptfix(['watch', 'test-mail', ...words]),
    await mptfix(['watch', 'test-mail', ...words, '--json']),
    await mptfix(['watch', 'test-mail', ...words, '--verbose']),
    await mptfix(['watch', 'once', ...words]),
    await mptfix(['watch', 'once', ...words, '--json', '--verbose']),
    await mptfix(['watch', 'install', ...words.slice(0, 2), '--dry-run', '--verbose']),
    await once(root),
  ];
  const kmsg = await readFile(join(root, 'dev/kmsg'), 'utf8');
  return [...runs.map(({ stdout, stderr }) => stdout + stderr), kmsg].join('\n');
}

function expectNoSecret(text: string): void {
  for (const form of FORMS) expect(text).not.toContain(form);
}

const secret = encodeURIComponent(CANARY);
const withSecrets = (origin: string): string =>
  `${origin.replace('://', `://watch:${secret}@`)}/hook/${secret}?token=${secret}#${secret}`;

describe('a webhook’s address is not shown', () => {
  test.each([
    ['it refuses', async () => web(() => {}, 500), /answered 500/],
    ['nobody is there', async () => 'http://127.0.0.1:47001', /ECONNREFUSED/],
    ['there is no such host', async () => 'http://host.invalid', /ENOTFOUND|EAI_AGAIN/],
    ['it redirects', async () => web(() => {}, 302), /127\.0\.0\.1/],
    ['it speaks no TLS', async () => (await web(() => {}, 200)).replace('http:', 'https:'), /ERR_SSL|EPROTO/],
    ['it speaks no HTTP', async () => `http://127.0.0.1:${await lines('', () => 'nonsense\n')}`, /HPE_|HTTP/],
    [
      'it never answers',
      async () => `http://127.0.0.1:${await lines('', () => '')}`,
      /within 1 s|could not be asked/,
    ],
  ])('where %s', async (_, origin, says) => {
    const url = withSecrets(await origin());
    const root = await guest({ webhook: { url }, sendmail: false, timeLimitSeconds: 1 });
    const text = await shown(root);
    expectNoSecret(text);
    expect(text).toMatch(says);
  });

  test('and its name and password are sent as HTTP has them', async () => {
    const bodies: string[] = [];
    const root = await guest({ webhook: { url: withSecrets(await web((body) => bodies.push(body), 200)) } });
    expectNoSecret(await shown(root));
    expect(bodies.length).toBeGreaterThan(0);
    expectNoSecret(bodies.join(''));
  });
});

describe('a relay’s password is not shown', () => {
  const plain = (port: number, root: string): object => ({
    to: 'root',
    sendmail: false,
    timeLimitSeconds: 1,
    smtp: {
      host: '127.0.0.1',
      port,
      security: 'none',
      user: 'watch',
      passwordFile: join(root, 'etc/password'),
    },
  });

  test.each([
    ['repeats what it was sent', (line: string) => `535 5.7.8 wrong: ${line}`],
    [
      'repeats it in the clear',
      (line: string) =>
        `535 no ${Buffer.from(line.split(' ').at(-1) ?? '', 'base64')
          .toString()
          .replaceAll('\u0000', ' ')}\r\n`,
    ],
  ])('where the relay %s', async (_, refuse) => {
    const port = await lines('220 here\r\n', (line) =>
      line.startsWith('EHLO') ? '250-here\r\n250 AUTH PLAIN\r\n' : refuse(line),
    );
    const root = await guest(undefined);
    await writeFile(join(root, 'etc/password'), `${CANARY}\n`, { mode: 0o600 });
    await put(root, { 'etc/mptfix.json': JSON.stringify({ watch: plain(port, root) }) });
    const text = await shown(root);
    expectNoSecret(text);
    expect(text).toContain('535');
  });

  test('nor where the password is wrong, or its relay not trusted', async () => {
    const server = await relay({ password: 'another' });
    const root = await machineWithRelay(server);
    await writeFile(join(root, 'etc/password'), `${CANARY}\n`);
    expectNoSecret(await shown(root));
  });
});

describe('a configuration that is wrong is not quoted', () => {
  test.each([
    ['a word without quotes', `{"watch": {"webhook": {"url": "${CANARY.replace('"', '')}" ${CANARY}`],
    ['a comma too many', `{"watch": {"webhook": {"url": "https://x/7f3a",}}}`],
    ['a value without quotes', '{"watch": x7f3a}'],
    ['no JSON', `7f3a ${CANARY}`],
    ['cut off', `{"watch": {"webhook": {"url": "https://x/7f3a`],
    ['another scheme', `{"watch": {"webhook": {"url": "ftp://u:7f3a@x/7f3a"}}}`],
    ['an address that is none', `{"watch": {"to": "7f3a 7f3a"}}`],
    ['a password in it', `{"watch": {"smtp": {"host": "h", "user": "u", "password": "7f3a"}}}`],
  ])('%s', async (_, text) => {
    const root = await guest(undefined);
    await put(root, { 'etc/mptfix.json': text });
    const all = await shown(root);
    expectNoSecret(all);
    expect(all).toContain('E_CONFIG_INVALID');
  });
});
