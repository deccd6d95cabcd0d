#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { UserError } from '../engine/user_error.ts';
import { register as baseline } from './commands/baseline.ts';
import { register as bench } from './commands/bench.ts';
import { register as compare } from './commands/compare.ts';
import { register as crossval } from './commands/crossval.ts';
import { register as data } from './commands/data.ts';
import { register as demo } from './commands/demo.ts';
import { register as doctor } from './commands/doctor.ts';
import { register as embed } from './commands/embed.ts';
import { register as evaluate } from './commands/evaluate.ts';
import { register as explain } from './commands/explain.ts';
import { register as gradcam } from './commands/gradcam.ts';
import { register as inspect } from './commands/inspect.ts';
import { register as predict } from './commands/predict.ts';
import { register as score } from './commands/score.ts';
import { register as serve } from './commands/serve.ts';
import { register as train } from './commands/train.ts';
import { register as tune } from './commands/tune.ts';
import { handleInterrupts } from './interrupt.ts';

// One line a command, in the order of `--help`. A command's module is small: what it needs to work it imports when it
// runs.
const COMMANDS = [
  doctor,
  demo,
  data,
  train,
  crossval,
  evaluate,
  compare,
  predict,
  baseline,
  score,
  gradcam,
  embed,
  inspect,
  explain,
  tune,
  bench,
  serve,
];

function createProgram(): Command {
  const program = new Command('tuningfork')
    .description('Trains convolutional networks on WebGPU to tell images apart.')
    .version(manifest.version)
    .option('--adapter <name>', "the GPU to use: lavapipe, swiftshader, or part of an adapter's name")
    .option('--json', 'print JSON, for scripts')
    .option(
      '--tuning <file>',
      'which kernels to take, as `tuningfork tune` measured: its own file when absent, `none` for the defaults',
    )
    .showHelpAfterError('(add --help for the options)')
    .exitOverride();
  for (const register of COMMANDS) register(program);
  return program;
}

const debugging = Boolean(process.env['TUNINGFORK_DEBUG']);

/**
 * Tells the user what went wrong and returns the exit code: 2 for what the user can mend, 1 for what nobody expected.
 */
function report(error: unknown): number {
  // Commander has printed its own message by now; its exit code is 0 after --help and --version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UserError) {
    console.error(`tuningfork: ${error.message}`);
    if (debugging) console.error(error.stack);
    return 2;
  }
  const message = error instanceof Error ? error.message : String(error);
  console.error(`tuningfork: unexpected error: ${message}`);
  console.error(
    debugging && error instanceof Error
      ? error.stack
      : 'Run it again with TUNINGFORK_DEBUG=1 to see where it happened.',
  );
  return 1;
}

// `tuningfork ... | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
if (debugging) process.setSourceMapsEnabled(true);
handleInterrupts();

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
