import { originText } from '../../kernel-source/provider.ts';
import type { Plan } from '../../plan/document.ts';
import { columns, style } from '../../ui/output.ts';

/** The plan as a person reads it. */
export function planPage(plan: Plan): string {
  const head: [string, string][] = [
    ['guest', plan.target],
    ['distro', plan.kernel.distro],
    ['kernel', kernelText(plan.kernel)],
    ['module', plan.module?.path ?? 'none'],
  ];
  if (!plan.needed) return [columns(head), '', style('green', plan.reason)].join('\n');
  if (plan.source !== null) head.push(['source', originText(plan.source)]);
  if (plan.headers !== null) head.push(['headers', originText(plan.headers)]);
  return [
    columns(head),
    '',
    plan.reason,
    '',
    ...plan.steps.map(({ effect, where, what }, index) => `${index + 1}. [${effect} ${where}] ${what}`),
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
    : ['', ...warnings.map((text) => `${style('yellow', 'warning')}: ${text}`)];
}
