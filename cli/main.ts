#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { DeviceLostError } from '../engine/device/device_lost.ts';
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
import { register as exportModel } from './commands/export.ts';
import { register as explain } from './commands/explain.ts';
import { register as gradcam } from './commands/gradcam.ts';
import { register as inspect } from './commands/inspect.ts';
import { register as predict } from './commands/predict.ts';
import { register as score } from './commands/score.ts';
import { register as serve } from './commands/serve.ts';
import { register as slurm } from './commands/slurm.ts';
import { register as sweep } from './commands/sweep.ts';
import { register as train } from './commands/train.ts';
import { register as tune } from './commands/tune.ts';
import { handleInterrupts, isInterrupted } from './interrupt.ts';
import { guardConsole, printable, printableLine } from './printable.ts';

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
  exportModel,
  explain,
  tune,
  sweep,
  slurm,
  bench,
  serve,
];

function createProgram(): Command {
  const program = new Command('tuningfork')
    .description('Trains convolutional networks on images, on any GPU with WebGPU.')
    .version(manifest.version)
    .option(
      '--adapter <name>',
      "the GPU to use: part of its name, or lavapipe or swiftshader for the CPU (default: the system's first choice)",
    )
    .option('--json', 'print JSON, for scripts')
    .option(
      '--tuning <file>',
      'the kernels that `tuningfork tune` chose, or `none` for the built-in ones (default: what tune last wrote)',
    )
    .configureOutput({
      writeErr: (text) => process.stderr.write(printable(text)),
    })
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
    console.error(`tuningfork: ${printableLine(error.message)}`);
    if (debugging) console.error(error.stack);
    return 2;
  }
  if (error instanceof DeviceLostError) {
    console.error(`tuningfork: ${printableLine(error.message)}; the same command goes on from what it saved`);
    return 1;
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
  if (isInterrupted()) return;
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Where nobody hears a message, as after a terminal is closed, the work goes on.
process.stderr.on('error', () => undefined);
guardConsole();
if (debugging) process.setSourceMapsEnabled(true);
handleInterrupts();

/** How often a command goes on after its GPU went away: one that is lost again and again will not stay. */
const MOST_LOSSES = 5;

/**
 * Runs the command that was given. Where its GPU is lost, it is run again: it opens the device anew and goes on from
 * what it saved, as the same command does after any interruption.
 */
async function run(): Promise<void> {
  for (let losses = 1; ; losses++) {
    try {
      await createProgram().parseAsync();
      return;
    } catch (error) {
      if (!(error instanceof DeviceLostError) || isInterrupted() || losses > MOST_LOSSES) throw error;
      console.error(`tuningfork: ${printableLine(error.message)}; opening it again (${losses} of ${MOST_LOSSES})`);
    }
  }
}

try {
  await run();
} catch (error) {
  if (!isInterrupted()) process.exitCode = report(error);
}
