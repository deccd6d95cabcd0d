// Runs commands of the built program one after another in one process, which is warm after the first: half of a short
// command's time goes into loading JavaScript and compiling it. Asked and answered by messages: see cli.ts.
const { argv, execPath, stdout, stderr } = process;
const [, , program] = argv;
const CONSOLE = { ...console };
// Every command listens for signals and errors of the streams anew.
process.setMaxListeners(0);
for (const stream of [stdout, stderr]) stream.setMaxListeners(0);

/** What is written to a stream, kept instead of written. */
function keep(stream) {
  const chunks = [];
  stream.write = (chunk, encoding, then) => {
    chunks.push(
      typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk,
    );
    const done = typeof encoding === 'function' ? encoding : then;
    if (done) process.nextTick(done);
    return true;
  };
  return () => Buffer.concat(chunks).toString('utf8');
}

let count = 0;
process.on('message', async (args) => {
  const [out, err] = [keep(stdout), keep(stderr)];
  process.argv = [execPath, program, ...args];
  process.exitCode = undefined;
  Object.assign(console, CONSOLE);
  // The program's main module runs a command when it is imported; under a new name it runs again.
  await import(`${program}?${++count}`);
  process.send({ code: process.exitCode ?? 0, stdout: out(), stderr: err() });
});
process.on('disconnect', () => process.exit());
