/**
 * Where the new module goes. `in-place`: over the package's file, as the article does; it works with every depmod.
 * `updates`: beside it, where depmod's search order prefers it; the package's file is not touched.
 */
export const PLACEMENTS = ['in-place', 'updates'] as const;
export type Placement = (typeof PLACEMENTS)[number];
