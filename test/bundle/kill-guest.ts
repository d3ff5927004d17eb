import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../src/hash.ts';
import { listing } from '../helpers/listing.ts';
import { ERAS } from '../initramfs/era-guest.ts';
import { sh } from '../machine/temporary.ts';
import { type OldGuest, oldGuest } from './old-guest.ts';

/*
 * A guest in which every program counts itself before it does anything, and at a number that the test names kills the
 * shell that runs the bundle: alone, so that the program goes on without it, or with all that it has started. What the
 * shell writes itself, such as a line of the journal, lies between two programs: it is there at the second and not at the first.
 */

/** Programs that write, and those on both sides of what the shell writes itself. */
const WRITERS =
  'mv ln cp rm mkdir touch chmod chown chcon tar dd gzip cpio cat sync date depmod mkinitramfs mktemp'.split(
    ' ',
  );

/** A guest of Ubuntu 6.06 has all that an installation may change: the index, the image, and a file about the image. */
const ERA = ERAS.find(({ name }) => name === 'Ubuntu 6.06') as (typeof ERAS)[number];

/** As depmod of modutils and the first module-init-tools: it writes into the files that are there. */
const DEPMOD = `#!/bin/sh
cd /lib/modules/$2 || exit 1
grep -v '^#' modules.dep >/tmp/index
{ cat /tmp/index; echo '# by depmod'; } >modules.dep
echo 'alias pci:v00001000d00000030 mptspi' >modules.alias
`;

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Kill {
  /** Which of the counted programs. */
  readonly at: number;
  /** `shell`: the program goes on. `all`: it does not even begin. */
  readonly whom: 'shell' | 'all';
}

export interface KillGuest extends Pick<OldGuest, 'root' | 'modulePath' | 'image' | 'content'> {
  /** Runs the bundle; without `kill` to its end. */
  readonly run: (args: readonly string[], kill?: Kill) => Promise<Ended>;
  /** The same, killed with all that it has started after so many milliseconds. */
  readonly runFor: (args: readonly string[], milliseconds: number) => Promise<Ended>;
  /** How many of the counted programs the last run has started. */
  readonly count: () => number;
  /**
   * Runs it to its end. Answers at which of the counted programs a kill leaves something else than at the next: before a
   * program that only reads, or comes before another that writes, it would leave what it leaves before that one.
   */
  readonly moments: (args: readonly string[]) => Promise<readonly number[]>;
  /** All but the state, the programs, and what a killed tool leaves in /tmp. */
  readonly all: () => string[];
  readonly save: (name: string) => void;
  readonly restore: (name: string) => void;
  /** Throws unless the guest boots as it is: module and image are whole, each the old or the new, and the old is kept. */
  readonly requireBootable: () => void;
  readonly isNew: () => boolean;
}

const CHANGED = ['lib/modules', 'boot', 'var'];

const NEVER = 1_000_000;

/** What a counted program does before its work: `$at` is when, `$whom` what. A change of any file shows in its time of change. */
const COUNTS = `#!/real/dash
printf x >>/work/n; read -r n </work/n; read -r at whom </work/at
case $whom in look)
  state=$(/real/ls -lARic --full-time /${CHANGED.join(' /')} /tmp | /real/sha256sum)
  echo "\${#n} $state" >>/work/seen
esac
[ \${#n} -lt $at ] || case $whom in all) kill -9 0 ;; shell) kill -9 $MAIN ;; esac
`;

export async function killGuest(): Promise<KillGuest> {
  const guest = await oldGuest(ERA, ['dash'], { reindex: true, tools: ['sha1sum', 'sha256sum'] });
  const { root, modulePath, image, content } = guest;
  await mkdir(join(root, 'sbin'), { recursive: true });
  writeFileSync(join(root, 'sbin/depmod'), DEPMOD, { mode: 0o755 });
  writeFileSync(join(root, 'var/lib/initramfs-tools', ERA.release), 'sum of the old image\n');
  await mkdir(join(root, 'real'));
  sh(
    `cd "$1"
     rm -f bin/sync; printf '#!/real/dash\\nexit 0\\n' >bin/sync; chmod 755 bin/sync
     cp bin/dash real/dash; ln -s dash real/sh
     for file in bin/* sbin/* usr/sbin/*; do
       case $file in */dash | */sh | */uname) continue ;; esac
       [ -f "$file" ] && mv "$file" real/
     done`,
    root,
  );
  const names = sh('ls "$1/real"', root).split('\n');
  for (const name of names.filter((one) => one !== '' && one !== 'dash' && one !== 'sh')) {
    const folder = name === 'mkinitramfs' ? 'usr/sbin' : name === 'depmod' ? 'sbin' : 'bin';
    const path = join(root, folder, name);
    if (WRITERS.includes(name)) {
      writeFileSync(path, `${COUNTS}exec /real/${name} "$@"\n`);
      chmodSync(path, 0o755);
    } else sh('ln "$1" "$2"', join(root, 'real', name), path);
  }
  const start = async (args: readonly string[], kill?: Kill | 'look', limit?: number): Promise<Ended> => {
    const { at, whom } = kill === undefined || kill === 'look' ? { at: NEVER, whom: kill ?? 'all' } : kill;
    writeFileSync(join(root, 'work/n'), '');
    writeFileSync(join(root, 'work/at'), `${at} ${whom}\n`);
    const named = 'MAIN=$$; export MAIN; exec /real/dash /bundle.run "$@"';
    const child = spawn('/usr/sbin/chroot', [root, '/real/dash', '-c', named, 'sh', ...args], {
      env: { PATH: '/bin:/sbin:/usr/sbin' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) throw new Error('chroot cannot be started');
    const timer = limit === undefined ? undefined : setTimeout(() => killGroup(pid), limit);
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      text.stdout += String(data);
    });
    child.stderr.on('data', (data) => {
      text.stderr += String(data);
    });
    // What a killed shell has left closes these when it has ended, too.
    return new Promise((resolve) => {
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        resolve({ status, signal, ...text });
      });
    });
  };
  const moments = async (args: readonly string[]): Promise<readonly number[]> => {
    writeFileSync(join(root, 'work/seen'), '');
    const { status, stdout, stderr } = await start(args, 'look');
    if (status !== 0) throw new Error(`${args.join(' ')} ends with ${status}: ${stdout}${stderr}`);
    const lines = readFileSync(join(root, 'work/seen'), 'utf8').trim().split('\n');
    const seen = new Map(lines.map((line) => [Number(line.split(' ')[0]), line.replace(/^\S+/, '')]));
    return [...seen.keys()]
      .filter((number) => seen.get(number) !== seen.get(number + 1))
      .sort((a, b) => a - b);
  };
  const at = (path: string): string => join(root, path);
  const oldImage = sha256(readFileSync(at(image)));
  const oldModule = content.module.sha256;
  const newModule = sha256(content.bytes);
  const of = (path: string): string | undefined =>
    existsSync(path) ? sha256(readFileSync(path)) : undefined;
  const generations = at('var/lib/mptfix/generations');
  const isKept = (path: (number: string) => string, hash: string): boolean =>
    existsSync(generations) && readdirSync(generations).some((number) => of(path(number)) === hash);
  const moduleOf = (number: string): string =>
    join(generations, number, 'originals', `${content.module.name}.ko`);
  return {
    root,
    modulePath,
    image,
    content,
    run: (args, kill) => start(args, kill),
    runFor: (args, milliseconds) => start(args, undefined, milliseconds),
    count: () => readFileSync(at('work/n'), 'utf8').length,
    moments,
    all: () =>
      listing(root, {
        without: [
          'var/lib/mptfix',
          'var/lib/mptfix-lock',
          'proc',
          'dev',
          'bin',
          'real',
          'work',
          'tmp',
          'var/tmp',
        ],
      }).filter((line) => !/^(?:|lib|var|var\/lib) /.test(line)),
    save: (name) =>
      sh('cd "$1"; mkdir -p "work/$2"; cp -a --parents lib/modules boot var "work/$2"', root, name),
    restore: (name) =>
      sh(
        'cd "$1"; shift; name=$1; shift; rm -rf "$@"; cp -a "work/$name/lib/modules" lib/; cp -a "work/$name/boot" "work/$name/var" .; rm -rf tmp/*',
        root,
        name,
        ...CHANGED,
      ),
    isNew: () => of(at(modulePath)) === newModule,
    requireBootable: () => {
      const module = of(at(modulePath));
      if (module !== oldModule && module !== newModule) throw new Error('the module is neither old nor new');
      if (module === newModule && !isKept(moduleOf, oldModule)) throw new Error('the old module is not kept');
      const now = of(at(image));
      if (now === oldImage) return;
      if (!isKept((number) => `${at(image)}.mptfix-${number}`, oldImage))
        throw new Error('the old image is not kept');
      if (!imageHoldsNew(root, image, content))
        throw new Error('the image is neither the old one nor holds the new module');
    },
  };
}

function imageHoldsNew(root: string, image: string, content: OldGuest['content']): boolean {
  const files = sh(
    'd=$(mktemp -d); cd "$d"; gzip -dc "$1" | cpio -id --quiet; find . -name "$2.ko" -exec cat {} +; rm -rf "$d"',
    join(root, image),
    content.module.name,
  );
  return files.includes(Buffer.from(content.bytes).toString());
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
