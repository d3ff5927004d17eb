import type { Tool } from '../target/tools.ts';

/**
 * The compiler that built the kernel, from the first word of CONFIG_CC_VERSION_TEXT (since 4.18), such as
 * `gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0`. Older kernels do not say: the plain `gcc`.
 */
export function kernelCompiler(config: string): Tool {
  const text = /^CONFIG_CC_VERSION_TEXT="([^"]*)"/m.exec(config)?.[1] ?? '';
  // A cross compiler's prefix is not part of the package's name; a hostile config must not name a path.
  const name = /^(?:[\w.]+-)*?(gcc(?:-\d+(?:\.\d+)?)?)\s/.exec(`${text} `)?.[1] ?? 'gcc';
  return { name, package: name };
}
