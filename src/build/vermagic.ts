/** What a word of a vermagic comes from. Source: include/linux/vermagic.h and include/asm-i386/module.h of 2.6.9 to 2.6.30. */
const WORDS: readonly (readonly [pattern: RegExp, from: string])[] = [
  [/^SMP$/, 'CONFIG_SMP: another flavour’s headers'],
  [/^preempt(_rt)?$/, 'CONFIG_PREEMPT: another flavour’s headers'],
  [/^mod_unload$/, 'CONFIG_MODULE_UNLOAD'],
  [/^modversions$/, 'CONFIG_MODVERSIONS'],
  [/^gcc-/, 'the compiler: give the one of that kernel with --toolchain'],
  [/^REGPARM$/, 'CONFIG_REGPARM (i386)'],
  [/^4KSTACKS$/, 'CONFIG_4KSTACKS (i386)'],
  [
    /^(386|486|[56]86(MMX|TSC)?|K[678]|PENTIUM\w*|CRUSOE|EFFICEON|WINCHIP\w*|CYRIXIII|VIAC3-2|VIAC7|GEODE\w*|ELAN|CORE2|ATOM)$/,
    'the processor (CONFIG_M…, i386): another flavour’s headers',
  ],
];

const EXTRAVERSION = /-prep/;

/** Why two vermagics differ, in the words of the configuration; empty where they do not. */
export function vermagicDifference(mine: string, theirs: string): string {
  const [own, other] = [mine, theirs].map((text) => text.trim().split(/\s+/)) as [string[], string[]];
  const reasons: string[] = [];
  if (own[0] !== other[0]) {
    reasons.push(
      EXTRAVERSION.test(own[0] ?? '')
        ? `the release is ${own[0]}: the tree’s EXTRAVERSION is still -prep, as in Red Hat’s unpacked source; give --headers of the kernel’s -devel package`
        : `the release is ${own[0]}, not ${other[0]}`,
    );
  }
  for (const [words, others, verb] of [
    [other.slice(1), own, 'lacks'],
    [own.slice(1), other, 'has'],
  ] as const) {
    for (const word of words.filter((one) => !others.includes(one)))
      reasons.push(
        `it ${verb} ${word}: ${WORDS.find(([pattern]) => pattern.test(word))?.[1] ?? 'another configuration'}`,
      );
  }
  return reasons.join('; ');
}
