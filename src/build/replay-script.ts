import { shQuote } from '../sh-quote.ts';
import type { KbuildCommand } from './kbuild-commands.ts';

/** The programs that link an object again: their words. */
export interface Linker {
  readonly ld: readonly string[];
  readonly nm: readonly string[];
}

interface ScriptPlaces {
  readonly module: string;
  readonly linker: Linker;
  /** Where the sandbox has the folder of kbuild's own module. */
  readonly kbuild: string;
  /** Where it has the folder of this module, which kbuild's commands name. */
  readonly seenAt: string;
  /** Where a command runs of which make did not say where. */
  readonly folder: string;
}

/** What stands before the recorded commands in the script's output. */
const MARK = 'mptfix: recorded by kbuild';

/**
 * What modpost reads beside the object. kbuild writes it from the commands, from declarations (versions of the symbols) and
 * from the names of the included files, which are the same for both sources. Versions that a linker put into kbuild's
 * object (until 5.18) are put into this one in the same way; later they are in the object's .cmd.
 * Sources: cmd_modversions of scripts/Makefile.build; MODVERDIR: get_src_version of scripts/mod/sumversion.c, until 5.2.
 */
const HANDOVER = `for one in ".$m.o.cmd" "$m.mod" ".$m.mod.cmd" modules.order .tmp_versions; do
  if [ -e "$k/$one" ] && [ ! -e "$s/$one" ]; then cp -R "$k/$one" "$s/" || exit 1; fi
done
nm "$k/$m.o" > "$s/.tmp_$m.nm" || exit 1
sed -n 's/^0*\\([0-9a-f][0-9a-f]*\\) [Aa] \\(__crc_.*\\)$/\\2 = 0x\\1 ;/p' "$s/.tmp_$m.nm" > "$s/.tmp_$m.ver" || exit 1
if [ -f "$s/.tmp_$m.o" ]; then from=.tmp_$m.o to=$m.o; else from=$m.o to=.tmp_$m.o; fi
if [ -s "$s/.tmp_$m.ver" ]; then
  ld -r -o "$s/$to" "$s/$from" -T "$s/.tmp_$m.ver" || exit 1
  mv -f "$s/$to" "$s/$m.o" 2>/dev/null
elif [ "$from" != "$m.o" ]; then
  mv -f "$s/$from" "$s/$m.o" || exit 1
fi
[ -f "$s/$m.o" ] || exit 1
if [ -d "$s/.tmp_versions" ]; then MODVERDIR=$s/.tmp_versions; export MODVERDIR; fi
`;

/**
 * The script of a replay for a sh, as it comes to be: each command in its turn, the first of them once the driver is
 * there, and then what kbuild has recorded.
 */
export async function* scriptOf(
  { module, linker, kbuild, seenAt, folder }: ScriptPlaces,
  commands: AsyncIterable<KbuildCommand>,
  driver: Promise<void>,
): AsyncGenerator<string> {
  yield `m=${shQuote(module)} k=${shQuote(kbuild)} s=${shQuote(seenAt)}
nm() { command ${linker.nm.map(shQuote).join(' ')} "$@"; }
ld() { command ${linker.ld.map(shQuote).join(' ')} "$@"; }
`;
  await driver;
  for await (const { step, text, folder: inside } of commands) {
    if (step === 'describe') yield HANDOVER;
    yield `cd ${shQuote(inside ?? folder)} || exit 1\nsh -c ${shQuote(text)} </dev/null || exit 1\n`;
  }
  yield `echo ${shQuote(MARK)}
for one in ".$m.o.cmd" ".$m.mod.o.cmd"; do sed -n -e '/^cmd_/{p;q;}' -e '/^savedcmd_/{p;q;}' "$k/$one"; done
exit 0
`;
}

/** The lines of the `.cmd` files that stand at the end of what the script printed. */
export function recordedText(output: string): readonly string[] {
  const at = output.lastIndexOf(`${MARK}\n`);
  return at === -1
    ? []
    : output
        .slice(at + MARK.length + 1)
        .split('\n')
        .slice(0, -1);
}
