#!/usr/bin/env node
// Written for any Node there ever was: a newer syntax would fail before the version can be told.
'use strict';
var wanted = [22, 13];
var found = process.versions.node.split('.').map(Number);
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  process.stderr.write(
    'mptfix: E_NODE_TOO_OLD: needs Node ' +
      wanted.join('.') +
      ' or newer, this is ' +
      process.versions.node +
      '\n  next: install a newer Node; in a checkout type npm run -s mptfix -- …\n',
  );
  process.exit(3);
} else {
  require('./start.cjs');
}
