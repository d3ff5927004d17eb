import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failure } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { LIMITS } from '../../limits.ts';
import { packageRoot } from '../../package-root.ts';
import { takeTree } from '../../work/take-tree.ts';
import type { Workspace } from '../../work/workspace.ts';
import { buildFolder } from '../build-sandbox.ts';
import { type Files, withRules } from '../compile.ts';
import { MODULE_LABEL, type Order, orderFor } from '../order.ts';
import { type Recipe, requireRecipe } from '../recipes.ts';
import type { ShownHeaders } from '../running-builds.ts';

/** What is compiled where mptfix does not run: by compile.sh, in an image of the kernel's time. */
export interface ImageJob {
  /** Names all that goes into it: results carry the name of the job that they belong to. */
  readonly id: string;
  readonly order: Order;
  readonly compiler: readonly string[];
  /** Without the `.ko`. */
  readonly module: string;
  /** The driver's folder of each build; `patched` is left out where there is nothing to correct. */
  readonly builds: ReadonlyMap<string, Files>;
}

interface JobParts {
  readonly workspace: Workspace;
  readonly headers: ShownHeaders;
  readonly module: string;
  readonly makeVars: readonly string[];
  readonly compiler: readonly string[];
  readonly unchanged: Files;
  readonly patched: Files | undefined;
}

/** Raise it when the same parts would make another folder. */
const FORMAT = 1;

/** Puts the job together; nothing is written yet. Throws E_BUILD where no recipe is known, E_USAGE for words that cannot be told. */
export async function imageJob(parts: JobParts): Promise<ImageJob> {
  const { workspace, headers, module, makeVars, compiler, unchanged, patched } = parts;
  const recipe = requireRecipe(headers.version);
  // The same path as in a sandbox of mptfix: it may be in the code.
  const folder = buildFolder(workspace.own('elsewhere'), MODULE_LABEL);
  const order = await orderFor({ workspace, headers, makeVars }, recipe, folder);
  requireOneLine([...order.command, ...compiler, ...order.readOnly.map(({ to }) => to)]);
  const builds = new Map([['unchanged', filesOf(module, recipe, unchanged)]]);
  if (patched !== undefined) builds.set('patched', filesOf(module, recipe, patched));
  const id = sha256(
    JSON.stringify([
      FORMAT,
      await headers.digest,
      order.command,
      order.seenAt,
      order.readOnly.map(({ to }) => to),
      compiler,
      module,
      [...builds].map(([name, files]) => [
        name,
        [...files].map(([file, bytes]) => [file, sha256(bytes)]).sort(),
      ]),
    ]),
  );
  return { id, order, compiler, module, builds };
}

function filesOf(module: string, recipe: Recipe, files: Files): Files {
  return withRules({ module }, recipe, files);
}

/** compile.sh reads words from files, one a line. */
function requireOneLine(words: readonly string[]): void {
  const word = words.find((one) => /[\n\0]/.test(one));
  if (word === undefined) return;
  throw failure(
    'E_USAGE',
    `a word for make has a line break, which an image cannot be told: ${JSON.stringify(word.slice(0, 80))}`,
    'give --make-var values of one line',
  );
}

/** Writes it, as compile.sh and the Dockerfile beside it read it. The folder must not be there yet, or be empty. */
export async function writeJob(
  { machine }: Pick<Workspace, 'machine'>,
  job: ImageJob,
  into: string,
  signal: AbortSignal,
): Promise<void> {
  const put = async (path: string, content: Uint8Array | string): Promise<void> => {
    await mkdir(dirname(join(into, path)), { recursive: true });
    await writeFile(join(into, path), content, { mode: 0o644 });
  };
  const { order, builds } = job;
  await rm(join(into, 'id'), { force: true });
  await mkdir(join(into, 'parts'), { recursive: true });
  // What lies within another comes after it.
  const parts = order.readOnly.toSorted((one, other) => one.to.length - other.to.length);
  for (const [index, { from }] of parts.entries()) {
    const copy = join(into, 'parts', String(index));
    await rm(copy, { recursive: true, force: true });
    if ((await machine.stat(from))?.type === 'file') await copyFile(from, copy);
    else await takeTree(machine, from, { bounds: LIMITS.headers, into: copy, signal });
  }
  await put('places', parts.map(({ to }, index) => `${index}\t${to}\n`).join(''));
  for (const name of ['patched', 'unchanged']) await rm(join(into, name), { recursive: true, force: true });
  for (const [name, files] of builds)
    for (const [file, content] of files) await put(join(name, file), content);
  await put('command', lines(order.command));
  await put('compiler', lines(job.compiler));
  await put('seen', lines([order.seenAt]));
  await put('module', lines([job.module]));
  await copyFile(join(packageRoot(), 'src/build/elsewhere/compile.sh'), join(into, 'compile.sh'));
  await put('Dockerfile', DOCKERFILE);
  // Last: where it is, all of it is.
  await put('id', lines([job.id]));
  await chmod(into, 0o755);
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join('');
}

/** Where a Dockerfile may ask for what was not given: the FROM of an image. Root puts the headers where they belong. */
const DOCKERFILE = `ARG TOOLCHAIN_IMAGE
FROM \${TOOLCHAIN_IMAGE} AS compile
USER 0
COPY . /mptfix-job/
RUN /bin/sh /mptfix-job/compile.sh /mptfix-job /mptfix-results
FROM scratch
COPY --from=compile /mptfix-results/ /
`;
