/** Where every Linux keeps its kernels' modules, a folder a release. */
export const MODULES_FOLDER = '/lib/modules';
/** Where an installation is remembered on the guest. */
export const STATE_FOLDER = '/var/lib/mptfix';
