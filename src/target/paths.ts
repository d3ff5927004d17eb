/** Where every Linux keeps its kernels' modules, a folder a release. */
export const MODULES_FOLDER = '/lib/modules';
