// The licences of the packages that a bundle holds, as the one text that is shipped beside it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;
const RULE = '-'.repeat(80);

/** The folders of all packages that esbuild took a file of; `root` is what the metafile's paths are relative to. */
function packageFolders(metafile, root) {
  const folders = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  return [...new Set(folders)].map((folder) => resolve(root, folder));
}

function describe(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file));
  if (license === undefined || files.length === 0)
    throw new Error(`${name} ${version} is bundled and brings no licence: bring its text, or leave it out`);
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { heading: `${name} ${version} (${license})`, texts };
}

/** Throws where a package has no licence text of its own. */
export function licenceText(metafile, root) {
  // One package may be there twice in one version.
  const all = packageFolders(metafile, root).map(describe);
  const packages = [...new Map(all.map((one) => [one.heading, one])).values()].sort((a, b) =>
    a.heading < b.heading ? -1 : 1,
  );
  const parts = packages.map(({ heading, texts }) => [RULE, heading, RULE, ...texts].join('\n\n'));
  const head = `dist/ holds code of these packages, each under its own licence:\n${packages.map(({ heading }) => `  ${heading}`).join('\n')}`;
  return `${[head, ...parts].join('\n\n')}\n`;
}
