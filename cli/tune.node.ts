import { existsSync, unlinkSync } from 'node:fs';
import type { Device } from '../engine/device/device.ts';
import { outline } from '../engine/program/outline.ts';
import type { Precision } from '../engine/program/precision.ts';
import { compile } from '../engine/program/program.ts';
import { tune as tuneProgram, tuningTasks, type TuningTask } from '../engine/program/tune.ts';
import { TuningTable, hashOf, type Tuned } from '../engine/tuning.ts';
import { UserError } from '../engine/user_error.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { modelProgram } from '../vision/train/model_cost.ts';
import { openModel, type NewModelFlags, type OpenModel } from './open_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { openSession } from './session.node.ts';
import { showTable, showTuning, type TuningReport } from './show_tuning.ts';
import { addToTuningFile, readTuning, tuningFile } from './tuning_file.node.ts';

export interface TuneFlags extends GlobalOptions, NewModelFlags {
  readonly training?: boolean;
  readonly batch?: number;
  readonly size?: number;
  readonly precision?: Precision;
  /** Seconds. */
  readonly budget: number;
  readonly list?: boolean;
  readonly clear?: boolean;
}

/** Measures the kernels of a model, keeps what is found after each, and prints what it brought. */
export async function tune(name: string, flags: TuneFlags): Promise<void> {
  const { path } = tuningFile(flags.tuning);
  if (path === null)
    throw new UserError('`none` is no file to keep a tuning in; give another --tuning, or unset TUNINGFORK_TUNING');
  if (flags.clear) return clear(path, flags);
  // A named file need not be there yet.
  const table = existsSync(path) ? readTuning(flags.tuning, (text) => console.error(text)) : new TuningTable();
  if (flags.list) console.log(flags.json ? JSON.stringify([...table.entries()], null, 2) : showTable(path, table));
  else await measure(name, flags, table, path);
}

/**
 * Removes the file. One that a user names must hold a tuning; the user's own is nobody else's, and may be damaged.
 * @throws UserError where it holds something else, or cannot be removed
 */
function clear(path: string, flags: TuneFlags): void {
  try {
    if (existsSync(path)) {
      readTuning(flags.tuning, () => {});
      unlinkSync(path);
    }
  } catch (error) {
    throw fileError('write', path, error);
  }
  console.error(`nothing is tuned any more: there is no ${path} now`);
}

async function measure(name: string, flags: TuneFlags, table: TuningTable, path: string): Promise<void> {
  using device = await openSession({ adapter: flags.adapter, tuning: 'none' });
  using model = await openModel(device, name, flags);
  // As predict and train have them.
  const { training = false, batch = training ? 32 : 8, size = model.size } = flags;
  const job = { model, size, batch, training, precision: flags.precision };
  const tasks: TuningTask[] = [];
  const refused: TuningReport['refused'][number][] = [];
  {
    using step = modelProgram(device, model, job);
    const { lowered } = outline(device, step.program);
    tasks.push(...tuningTasks(lowered));
    const options = {
      budget: flags.budget * 1000,
      onStart: ({ tensor }: TuningTask, i: number, of: number) =>
        console.error(`${i + 1} of ${of}: ${tensor.op.name} ${tensor.shape.join(' x ')}`),
    };
    for await (const { task, refused: wrong, choice, kernels, before, after } of tuneProgram(
      device,
      lowered,
      table,
      options,
    )) {
      await addToTuningFile(path, device.identity, task.name, { choice, kernels, before, after });
      refused.push(...wrong.map((candidate) => ({ op: task.tensor.op.name, ...candidate })));
    }
  }
  const known = tasks.flatMap((task) => {
    const tuned = table.get(device.identity, task.name, hashOf(task.choices));
    return tuned ? [reportOf(task, tuned)] : [];
  });
  const report: TuningReport = {
    model: model.built.network.name,
    mode: training ? 'training' : 'forward',
    batch,
    size,
    adapter: device.adapter.description,
    software: device.adapter.software,
    file: path,
    tasks: tasks.length,
    tuned: known,
    refused,
    run: await runTimes(device, job, table),
  };
  console.log(flags.json ? JSON.stringify(report, null, 2) : showTuning(report));
}

function reportOf(
  { tensor, choices, count }: TuningTask,
  { choice, before, after }: Tuned,
): TuningReport['tuned'][number] {
  return {
    op: tensor.op.name,
    inputs: tensor.inputs.map((t) => t.shape),
    output: tensor.shape,
    count,
    usual: choices.candidates[0],
    choice,
    before,
    after,
  };
}

/**
 * Milliseconds of a run of the whole program, with the defaults and as tuned: the least of several, measured in turn.
 */
async function runTimes(
  device: Device,
  { model, ...job }: { model: OpenModel; size: number; batch: number; training: boolean; precision?: Precision },
  table: TuningTable,
): Promise<{ before: number; after: number }> {
  const least = [Infinity, Infinity];
  for (let round = 0; round < 2; round++) {
    for (const [k, tuning] of [new TuningTable(), table].entries()) {
      device.tuning = tuning;
      // One after the other, for the memory of one.
      using step = modelProgram(device, model, job);
      using program = await compile(device, step.program);
      const feeds = Object.fromEntries(
        program.inputTensors.map((t) => [
          t.name!,
          t.dtype === 'u32' ? new Uint32Array(t.size) : new Float32Array(t.size),
        ]),
      );
      for (let i = 0; i < 3; i++) {
        const start = performance.now();
        program.run(feeds);
        await device.idle();
        least[k] = Math.min(least[k], performance.now() - start);
      }
    }
  }
  return { before: least[0], after: least[1] };
}
