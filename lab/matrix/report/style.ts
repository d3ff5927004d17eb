/**
 * Shapes tell everything; colours only help. The picture brings its own background, so that it is the same on a light page
 * and on a dark one.
 */
export const INK = '#1b1b1b';
export const FAINT = '#6b6b6b';
export const PAPER = '#ffffff';
export const FAILS = '#f3e2b3';
export const FAILS_EDGE = '#8a6d1a';
export const WAITED = '#1d5c9e';
export const LOST = '#b3001b';
export const CROSS =
  'path://M-5,-3.6L-3.6,-5L0,-1.4L3.6,-5L5,-3.6L1.4,0L5,3.6L3.6,5L0,1.4L-3.6,5L-5,3.6L-1.4,0Z';
