import type { Files } from '../../src/build/compile.ts';

/** `say` echoes a command and runs it, as kbuild does where it is told V=1; `record` writes it into a .cmd file. */
const KBUILD = `quiet := $(if $(V),,@:;)
squote := '
escsq = $(subst $(squote),'\\$(squote)',$(1))
say = $(if $(V),echo '  $(call escsq,$(1))';) $(1)
record = printf '%s\\n' 'cmd_$(1) := $(call escsq,$(subst $$,$$$$,$(2)))' > $(M)/.$(notdir $(1)).cmd
src := $(M)
include $(M)/Kbuild
name := $(basename $(obj-m))
object := $(M)/$(name).o
cc = gcc -O2 -w -ffreestanding -fno-pic -DMODULE $(1) -c -o
describe = sh scripts/modpost $(object) $(M)/$(name).mod.c $(M)/$(name).mod
other = $(call cc) $(M)/$(name).mod.o $(M)/$(name).mod.c
link = ld -r -o $(M)/$(name).ko $(object) $(M)/$(name).mod.o
`;

/** What a kernel since 5.19 does: versions of symbols are beside the object. */
export const TODAY = `${KBUILD}
compile = $(call cc) $(object) $(M)/$(name).c
modules:
\t@set -e; $(call say,$(compile)); $(call record,$(object),$(compile))
\t@echo $(name).o > $(M)/$(name).mod
\t@set -e; $(call say,$(describe))
\t@set -e; $(call say,$(other)); $(call record,$(name).mod.o,$(other))
\t@set -e; $(call say,$(link)); $(call record,$(name).ko,$(link))
`;

/** What 2.6 does with CONFIG_MODVERSIONS, without a word: a linker puts the versions into the object. */
export const OF_2006 = `${KBUILD}
compile = $(call cc) $(M)/.tmp_$(name).o $(M)/$(name).c
export MODVERDIR := $(M)/.tmp_versions
modules:
\t@set -e; $(call say,$(compile)); \\
\techo '__crc_mptscsih_lookup = 0x0badcafe ;' > $(M)/.tmp_$(name).ver; \\
\tld -r -m elf_x86_64 -o $(object) $(M)/.tmp_$(name).o -T $(M)/.tmp_$(name).ver; rm $(M)/.tmp_$(name).o; \\
\t$(call record,$(object),$(compile))
\t@mkdir -p $(M)/.tmp_versions; echo $(object) > $(M)/.tmp_versions/$(name).mod
\t@set -e; $(call say,$(describe))
\t@set -e; $(call say,$(other)); $(call record,$(name).mod.o,$(other))
\t@set -e; $(call say,$(link)); $(call record,$(name).ko,$(link))
`;

/** Writes what it has read into the module, as modpost does: the source's sum, the object's versions, its lists. */
export const MODPOST = `set -e
sum=$(cksum < "\${1%.o}.c" | tr -d ' \\t')
crc=$(nm "$1" | sed -n 's/^0*\\([0-9a-f]*\\) A __crc_.*/\\1/p')
list=$(cat "\${MODVERDIR:-\${1%/*}}/\${3##*/}" && grep -c ^cmd_ "\${1%/*}/.\${1##*/}.cmd" || :)
echo "const char sum[] __attribute__((section(\\".modinfo\\"))) = \\"$sum $crc\\";" > "$2"
echo "const char list[] __attribute__((section(\\".list\\"))) = \\"$(echo $list)\\";" >> "$2"
`;

/** A driver whose completion routine gives this answer. */
export const source = (answer: number | string): Files =>
  new Map([
    ['Makefile', Buffer.from('# the driver’s own\n')],
    [
      'mptscsih.c',
      Buffer.from(
        `int mptscsih_lookup(int a) { return a + 1; }\nint mptscsih_io_done(void) { return ${answer}; }\n`,
      ),
    ],
  ]);
