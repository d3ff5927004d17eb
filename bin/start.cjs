'use strict';
var fs = require('node:fs');
var path = require('node:path');
var dist = path.join(__dirname, '..', 'dist');
if (!fs.existsSync(path.join(dist, 'start.js'))) {
  process.stderr.write(
    'mptfix: E_INTERNAL: ' +
      path.join(dist, 'start.js') +
      ' is missing\n  next: in a checkout type npm install; a package has to be made by npm pack with its scripts\n',
  );
  process.exitCode = 1;
} else {
  Promise.resolve(process.argv.slice(2))
    .then((argv) => require('./load.cjs').load(dist, argv).start(argv))
    .then((status) => {
      process.exitCode = status;
    })
    .catch((error) => {
      process.stderr.write(`mptfix: E_INTERNAL: ${error?.stack ?? error}\n`);
      process.exitCode = 1;
    });
}
