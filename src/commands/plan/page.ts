import { originText } from '../../kernel-source/provider.ts';
import type { Plan } from '../../plan/document.ts';
import { columns, style } from '../../ui/output.ts';
import { printable } from '../../ui/printable.ts';

/** The plan as a person reads it. */
export function planPage(plan: Plan): string {
  const head: [string, string][] = [
    ['guest', plan.target],
    ['distro', plan.kernel.distro],
    ['kernel', kernelText(plan.kernel)],
    ['module', plan.module?.path ?? 'none'],
  ];
  if (!plan.needed) return [columns(head), '', style('green', printable(plan.reason))].join('\n');
  if (plan.source !== null) head.push(['source', originText(plan.source)]);
  if (plan.headers !== null) head.push(['headers', originText(plan.headers)]);
  return [
    columns(head),
    '',
    printable(plan.reason),
    '',
    ...plan.steps.map(({ effect, where, what }, index) =>
      printable(`${index + 1}. [${effect} ${where}] ${what}`),
    ),
    ...warningLines(plan.warnings),
  ].join('\n');
}

export function kernelText({
  release,
  packageVersion,
}: Pick<Plan['kernel'], 'release' | 'packageVersion'>): string {
  return packageVersion === null ? release : `${release} (package ${packageVersion})`;
}

export function warningLines(warnings: readonly string[]): readonly string[] {
  return warnings.length === 0
    ? []
    : ['', ...warnings.map((text) => `${style('yellow', 'warning')}: ${printable(text)}`)];
}
