/** Where the source or the headers come from. */
export type Origin =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'guest'; readonly path: string }
  /** No headers: the source itself is configured as the guest's kernel was. */
  | { readonly kind: 'tree' }
  | { readonly kind: 'package'; readonly name: string; readonly version: string | null };

/** An origin in words, for pages and manifests. */
export function originText(origin: Origin): string {
  if (origin.kind === 'package')
    return `package ${origin.name}${origin.version === null ? '' : ` ${origin.version}`}`;
  if (origin.kind === 'tree') return 'the whole source, configured as the guest’s kernel';
  return origin.kind === 'guest' ? `the guest’s ${origin.path}` : origin.path;
}
