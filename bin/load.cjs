'use strict';
// The modules of dist/, with what a command needs at its start read as one file: finding, reading and compiling some fifty
// small ones takes longer than most commands. Each module is there once, whichever way it came.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { crc32 } = require('node:zlib');

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

/** Which pack has what a command line needs; one that is not listed has what all commands need. */
function packOf([command, verb]) {
  if (command !== 'watch') return command;
  return verb === 'once' || verb === 'worker' ? `watch-${verb}` : command;
}

/** V8 takes a code cache only from its own kind, so each Node has a file of its own. */
function cacheName(pack) {
  return `${pack}.node-${process.version}-${process.arch}.cache`;
}

function readIfThere(file, encoding) {
  try {
    return fs.readFileSync(file, encoding);
  } catch {
    return undefined;
  }
}

/** V8 believes what is in a cache, and crashes where a disk has damaged it: the sum stands before it. */
const HEAD_BYTES = 8;

function sealed(code) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(crc32(code));
  return Buffer.concat([head, code]);
}

function unsealed(file) {
  if (file === undefined || file.length <= HEAD_BYTES) return undefined;
  const code = file.subarray(HEAD_BYTES);
  return crc32(code) === file.readUInt32LE(0) ? code : undefined;
}

/**
 * The pack as a script, with the code cache that was made when it was bundled. V8 refuses one of another V8 or of other
 * flags, and compiles instead. The pack's name has the hash of its content: a cache is never that of another text.
 */
function openPack(dist, name) {
  const file = path.join(dist, `${name}.js`);
  const text = readIfThere(file, 'utf8');
  if (text === undefined) return undefined;
  const cachedData = unsealed(readIfThere(path.join(dist, cacheName(name))));
  return new vm.Script(text, cachedData === undefined ? { filename: file } : { filename: file, cachedData });
}

/** Answers what `dist/start.js` exports, and the script of the pack that it came from. */
function load(dist, argv) {
  const packs = JSON.parse(readIfThere(path.join(dist, 'packs.json'), 'utf8') ?? '{}');
  const wanted = packOf(argv);
  const name = Object.hasOwn(packs, wanted) ? packs[wanted] : packs.main;
  const script = name === undefined ? undefined : openPack(dist, name);
  const packed = script?.runInThisContext() ?? {};
  const modules = new Map();
  const requireOwn = (id) => {
    if (!id.startsWith('./')) return require(id);
    const known = modules.get(id);
    if (known !== undefined) return known.exports;
    const file = path.join(dist, id);
    const run = Object.hasOwn(packed, id)
      ? packed[id]
      : vm.compileFunction(fs.readFileSync(file, 'utf8'), PARAMETERS, { filename: file });
    const module = { exports: {} };
    modules.set(id, module);
    run(module.exports, requireOwn, module, file, dist);
    return module.exports;
  };
  return { ...requireOwn('./start.js'), script, name };
}

module.exports = { load, cacheName, sealed };
