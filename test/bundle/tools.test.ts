import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { toolFunctions } from '../../src/bundle/tools.ts';
import { INITRAMFS_TOOLS, OTHER_IMAGES } from '../../src/initramfs/tools.ts';

const RELEASE = '2.6.18-8.el5';

/** Calls a function of the generated sh; each word that it hands to a tool is a line. */
function call(...words: readonly string[]): readonly string[] {
  const script = `in_guest() { printf '%s\\n' "$@"; }\n${toolFunctions(RELEASE)}\necho_of() { echo "$("$@")"; }\n"$@"`;
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...words], { encoding: 'utf8' });
  return stdout.split('\n').slice(0, -1);
}

describe.each(INITRAMFS_TOOLS)('$name', (tool) => {
  test.each([[['mptscsih']], [['mptbase', 'mptscsih', 'mptspi']]])(
    'gets the same words from sh, with %j',
    (modules) => {
      const output = `/boot/.initrd-${RELEASE}.img.mptfix-0123456789ab.tmp`;
      const argv = tool.build({ release: RELEASE, output, modules });
      expect(call('tool_argv', tool.name, output, modules.join(' '))).toEqual(argv);
    },
  );

  test('works in the same folders, and is told of drivers in the same file', () => {
    expect(call('tool_folders', tool.name)).toEqual(tool.worksIn);
    expect(call('echo_of', 'listed_in', tool.name)).toEqual([tool.listedIn]);
    expect(call('other_images')).toEqual(OTHER_IMAGES.map(({ path }) => path(RELEASE)));
  });

  test('has the same names of images, and the same files about them', () => {
    const names = call('image_names').flatMap((line) =>
      line.endsWith(` ${tool.program} ${tool.name}`) ? line.split(' ')[0] : [],
    );
    expect(names).toEqual(tool.images(RELEASE));
    const files = tool.stateFiles(RELEASE);
    expect(call('state_files', tool.name)).toEqual(files.map(({ path }) => path));
    for (const { path, content } of files) {
      const image = { path: '/boot/image', sha1: 'abc' };
      expect(`${call('state_content', tool.name, path, image.sha1, image.path).join('\n')}\n`).toBe(
        content(image),
      );
    }
  });
});
