'use strict';
// node code-cache.cjs DIST COMMAND...: runs the command line and keeps V8's code of the pack that it was loaded from.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const v8 = require('node:v8');
const { cacheName, load, sealed } = require('../bin/load.cjs');

// V8 takes a cache only under the flags with which it was made: those of a program that has just started.
v8.setFlagsFromString = () => {};
const [dist, ...argv] = process.argv.slice(2);
const { start, script, name } = load(dist, argv);
start(argv).then(() => {
  process.exitCode = 0;
  writeFileSync(join(dist, cacheName(name)), sealed(script.createCachedData()));
});
