import { compile, type RoutineShape, routineSource } from '../driver/module/routine-fixture.ts';

export const VERMAGIC = '6.1.0-9-amd64 SMP preempt mod_unload modversions ';

export interface ModuleShape extends RoutineShape {
  readonly vermagic?: string | null;
  readonly crcs?: Readonly<Record<string, number>>;
  readonly exports?: readonly string[];
}

/** A real module’s sections around the routine, as modpost and EXPORT_SYMBOL make them. */
export async function moduleBytes({
  vermagic = VERMAGIC,
  crcs = { printk: 0x92997ed8, module_layout: 0x1234 },
  exports = ['mptscsih_io_done', 'mptscsih_remove'],
  ...shape
}: ModuleShape = {}) {
  const info = ['name=mptscsih', 'license=GPL', ...(vermagic === null ? [] : [`vermagic=${vermagic}`])];
  const versions = Object.entries(crcs).map(([name, crc]) => `{ ${crc}ul, ${JSON.stringify(name)} }`);
  const source = `${routineSource(shape)}
int mptscsih_remove(void) { return 0; } int mptscsih_resume(void) { return 0; }
${info.map((text, index) => `static const char info${index}[] __attribute__((section(".modinfo"), used)) = ${JSON.stringify(text)};`).join('\n')}
${versions.length === 0 ? '' : `static const struct { unsigned long crc; char name[56]; } versions[] __attribute__((section("__versions"), used)) = { ${versions.join(', ')} };`}
${exports.map((name) => `extern int ${name}(); const void *__ksymtab_${name} __attribute__((section("__ksymtab"), used)) = ${name};`).join('\n')}
`;
  return compile(source, ['-O2']);
}

export const FIXED: ModuleShape = {};
export const AFFECTED: ModuleShape = { busyHostByte: 2 };
