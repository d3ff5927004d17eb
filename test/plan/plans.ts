import type { Plan } from '../../src/plan/document.ts';

const RELEASE = '6.1.0-9-amd64';
const MODULE = `/lib/modules/${RELEASE}/kernel/drivers/message/fusion/mptscsih.ko`;

/** A plan with something in every field. */
export const PLAN: Plan = {
  schema: 'mptfix.plan/1',
  tool: 'mptfix 0.1.0',
  target: '/mnt/guest',
  root: '/mnt/guest',
  verdict: 'affected',
  kernel: { release: RELEASE, base: '6.1.9', distro: 'Debian 12', packageVersion: '6.1.9-1' },
  needed: true,
  reason: 'the driver turns BUSY into an I/O error',
  module: { name: 'mptscsih', path: MODULE, sha256: 'a'.repeat(64) },
  source: { kind: 'local', path: '/srv/linux.tar.xz' },
  headers: { kind: 'package', name: `linux-headers-${RELEASE}`, version: '6.1.9-1' },
  build: {
    offline: false,
    wholeTree: true,
    full: true,
    config: '/srv/config',
    symvers: '/srv/Module.symvers',
    toolchain: 'guest',
    makeVars: ['CC=gcc-11', 'V=1'],
    allowUnproven: false,
    mirrors: [],
    mirrorKeys: [],
    sha256: [],
    allowUnsigned: false,
    sign: { key: '/srv/key.pem', certificate: '/srv/certificate.pem' },
  },
  placement: 'in-place',
  initramfs: true,
  images: [
    { path: '/boot/initrd.img-a', tool: 'initramfs-tools', action: 'rebuild', detail: 'holds mptscsih' },
    { path: '/boot/initrd.img-b', tool: null, action: 'leave', detail: 'does not hold mptscsih' },
  ],
  bootEntry: false,
  steps: [{ effect: 'write', where: 'guest', what: `replace ${MODULE}` }],
  warnings: ['the running kernel keeps the old driver until the next reboot'],
};
