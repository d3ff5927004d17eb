/**
 * The modules' files in the order in which insmod must take them, from a modules.dep: what is needed comes first.
 * Throws where the index does not know a module.
 */
export function loadOrder(modulesDep: string, names: readonly string[]): readonly string[] {
  const entries = modulesDep.split('\n').flatMap((line) => {
    const [file, needs] = line.split(':');
    return file === undefined || needs === undefined
      ? []
      : [{ file, needs: needs.split(' ').filter(Boolean) }];
  });
  const ordered: string[] = [];
  const add = (file: string): void => {
    if (!ordered.includes(file)) ordered.push(file);
  };
  for (const name of names) {
    const entry = entries.find(({ file }) => moduleName(file) === name);
    if (entry === undefined) throw new Error(`modules.dep does not know ${name}`);
    // depmod lists what is needed from the near to the far.
    for (const file of [...entry.needs].reverse()) add(file);
    add(entry.file);
  }
  return ordered;
}

/** `mptscsih` of `kernel/drivers/message/fusion/mptscsih.ko.xz`. */
export function moduleName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/\.ko(?:\.\w+)?$/, '');
}
