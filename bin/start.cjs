'use strict';
var fs = require('node:fs');
var path = require('node:path');
var start = path.join(__dirname, '..', 'dist', 'start.js');
if (!fs.existsSync(start)) {
  process.stderr.write(
    'mptfix: E_INTERNAL: ' +
      start +
      ' is missing\n  next: in a checkout type npm install; a package has to be made by npm pack with its scripts\n',
  );
  process.exitCode = 1;
} else {
  import('../dist/start.js')
    .then(({ start }) => start(process.argv.slice(2)))
    .then((status) => {
      process.exitCode = status;
    })
    .catch((error) => {
      process.stderr.write(`mptfix: E_INTERNAL: ${error?.stack ?? error}\n`);
      process.exitCode = 1;
    });
}
