let ascii = false;

/**
 * Learns from the caller's locale whether the terminal shows more than ASCII. Call it before the environment is cleaned.
 * The first of LC_ALL, LC_CTYPE and LANG that is set counts (locale(7)). Where none is, as in many containers, the
 * terminal is one of today.
 */
export function learnCharset(env: Readonly<NodeJS.ProcessEnv>): void {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '');
  ascii = locale !== undefined && !/\.utf-?8(?:@|$)/i.test(locale);
}

/** Whether what is printed may hold nothing but ASCII. */
export function isAsciiOnly(): boolean {
  return ascii;
}
