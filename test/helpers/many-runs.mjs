// Runs command lines of the bundle one after the other in this process, which is the child of a test: starting Node for
// each would take longer than the runs. `node many-runs.mjs PACKAGE`; a message is `{ argv }`, its answer what came of it.
import { pathToFileURL } from 'node:url';

const { start } = await import(pathToFileURL(`${process.argv[2]}/dist/start.js`).href);
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);

let output = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr']) {
  process[name].write = (text, ...more) => {
    output[name] += text;
    const done = more.find((one) => typeof one === 'function');
    if (done !== undefined) process.nextTick(done);
    return true;
  };
}

process.on('message', async ({ argv }) => {
  output = { stdout: '', stderr: '' };
  let status;
  try {
    status = await start(argv);
  } catch (error) {
    status = 1;
    output.stderr += `E_INTERNAL: ${error?.stack ?? error}`;
  }
  process.exitCode = 0;
  process.send({ status, ...output, rss: process.resourceUsage().maxRSS * 1024 });
});
process.send('ready');
