import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literal, nameOf, readScript, type Script } from '../../src/boot/grub2/script.ts';
import { grubComplaint } from './guest.ts';

function read(text: string): Script {
  const script = readScript(text);
  if (script === undefined) throw new Error(`not taken: ${text}`);
  return script;
}

function words(text: string): (string | undefined)[][] {
  const script = read(text);
  return script.commands.map((command) => command.words.map((word) => literal(script, word)));
}

describe('readScript', () => {
  it.each([
    ['echo \'a b\' "c d" e\\ f', [['echo', 'a b', 'c d', 'e f']]],
    ["echo 'it'\\''s'", [['echo', "it's"]]],
    ['echo "a \\"quoted\\" \\$word \\n"', [['echo', 'a "quoted" $word \\n']]],
    ['echo \'{\' "}" \\{', [['echo', '{', '}', '{']]],
    ['echo a#b # c { \' "', [['echo', 'a#b']]],
    [
      'echo a;echo b ; echo c',
      [
        ['echo', 'a'],
        ['echo', 'b'],
        ['echo', 'c'],
      ],
    ],
    ['echo a \\\n b', [['echo', 'a', 'b']]],
    ['echo a\\\nb', [['echo', 'ab']]],
    [
      'echo a\r\necho b\r\n',
      [
        ['echo', 'a'],
        ['echo', 'b'],
      ],
    ],
    ['echo a \\\r\n b', [['echo', 'a', 'b']]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: GRUB's variable
    ['echo $a "${b}" \'$c\' "\\$d" x${e}y', [['echo', undefined, undefined, '$c', '$d', undefined]]],
    [
      'if [ x = y ]; then echo a; else echo b; fi',
      [['[', 'x', '=', 'y', ']'], ['echo', 'a'], ['echo', 'b'], ['fi']],
    ],
  ])('reads %j as GRUB does', (text, expected) => {
    expect(words(text)).toEqual(expected);
    expect(grubComplaint(`${text}\n`)).toBeUndefined();
  });

  it('knows what is in whose block', () => {
    const script = read(
      "submenu a {\n menuentry 'b }' --class x {\n  linux /v\n }\n}\nfunction f { true; }\n",
    );
    const parents = script.commands.map(({ parent }) => parent && nameOf(script, parent));
    expect(parents).toEqual([undefined, 'submenu', 'menuentry', undefined, 'function']);
    const body = script.commands[1]?.body;
    expect(script.text.slice(body?.from, body?.to)).toBe('\n  linux /v\n ');
  });

  it.each([
    "menuentry 'a { linux /v\n}\n",
    'menuentry a {\n linux "/v\n}\n',
    'menuentry a {\n linux /v\n',
    'menuentry a {\n linux /v\n}\n}\n',
    'echo a && echo b\n',
    'echo a | echo b\n',
    'cat <<EOF\nmenuentry a { }\nEOF\n',
    '{ menuentry a { linux /v; } }\n',
  ])('refuses %j, as GRUB does', (text) => {
    expect(readScript(text)).toBeUndefined();
    expect(grubComplaint(text)).toBeDefined();
  });

  it('takes whatever GRUB takes', () => {
    const piece = fc.constantFrom(
      'menuentry',
      'a',
      "'",
      '"',
      '\\',
      '{',
      '}',
      '\n',
      ';',
      ' ',
      '#',
      '$a',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: GRUB's variable
      '${b}',
      '$',
      "'x y'",
      '"z"',
      'if',
      'true',
      'then',
      'fi',
      '\r\n',
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = `echo a\n${pieces.join('')}\n`;
        if (grubComplaint(text) !== undefined) return;
        taken += 1;
        expect(readScript(text)).toBeDefined();
      }),
      { numRuns: 150, seed: 5 },
    );
    expect(taken).toBeGreaterThan(10);
  });

  it('reads a word of a megabyte, and a megabyte of braces', () => {
    expect(read(`echo ${'a'.repeat(1 << 20)}`).commands[0]?.words).toHaveLength(2);
    expect(read(`echo '${'a'.repeat(1 << 20)}'`).commands[0]?.words).toHaveLength(2);
    expect(readScript('a{'.repeat(1 << 19))).toBeUndefined();
    expect(readScript(`${'a{'.repeat(33)}${'}'.repeat(33)}`)).toBeUndefined();
    expect(readScript(`${'a{'.repeat(32)}${'}'.repeat(32)}`)).toBeDefined();
  });
});
