// Answers as bench/serve.ts does, without a GPU. Its arguments: the output of every run, or how to go wrong; the most
// images at once.
const [how, most = Infinity] = process.argv.slice(2);
const adapter = { vendor: 'none', architecture: 'none', description: 'made-up adapter', software: true };
const answers = {
  open: () => ({ adapter, milliseconds: 20, output: [Number(how)] }),
  run: () => ({ milliseconds: 10, issue: 2, cpu: 15, output: [Number(how)] }),
  memory: () => ({ resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024, gpu: 0 }),
  profile: () => [{ kernel: 'naive', steps: 4, milliseconds: 2 }],
};
process.on('message', ({ ask, job }) => {
  if (how === 'dies') process.stderr.write('out of something', () => process.exit(3));
  else if (job?.batch > most) process.send({ error: 'the batch is too large' });
  else process.send(how === 'fails' ? { error: 'there is no adapter' } : { value: answers[ask]() });
});
process.on('disconnect', () => process.exit(0));
