'use strict';
import('../dist/start.js')
  .then(({ start }) => start(process.argv.slice(2)))
  .then((status) => {
    process.exitCode = status;
  })
  .catch((error) => {
    process.stderr.write(`mptfix: E_INTERNAL: ${error?.stack ?? error}\n`);
    process.exitCode = 1;
  });
