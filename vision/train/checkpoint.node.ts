import { existsSync } from 'node:fs';
import { checkValues } from '../../models/formats/check_values.ts';
import { readSafetensorsFile, writeSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { jsonText } from '../json_text.ts';
import type { Epoch } from '../report/data.ts';
import { parseState } from './state_file.ts';

/**
 * Where a training stands, between two steps. With the arrays beside it, all that is needed to go on as if never
 * interrupted.
 */
export interface TrainState {
  /** Index of the phase, epoch within it and step within that, all from 0: the next to be done. */
  phase: number;
  epoch: number;
  step: number;
  /** Adam's step count, which its bias correction depends on. */
  adamStep: number;
  /** Sums over the steps of this epoch so far. */
  sums: { loss: number; marks: number; seen: number; seconds: number };
  history: Epoch[];
  /** What the frozen front took; absent: there is none, or a version kept the run that did not tell. */
  frontSeconds?: number;
  /** The epoch whose weights are in the best file, counted from 1 over all phases, and its validation loss. */
  best: { epoch: number; loss: number } | null;
  /** Epochs of this phase since its best validation loss, and that loss. */
  stale: { epochs: number; loss: number | null };
  finished: boolean;
}

export const NEW_STATE: TrainState = {
  phase: 0,
  epoch: 0,
  step: 0,
  adamStep: 0,
  sums: { loss: 0, marks: 0, seen: 0, seconds: 0 },
  history: [],
  best: null,
  stale: { epochs: 0, loss: null },
  finished: false,
};

type Arrays = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** Writes a checkpoint whole or not at all. */
export async function saveCheckpoint(path: string, state: TrainState, arrays: Arrays): Promise<void> {
  const tensors = new Map([...arrays].map(([name, { shape, data }]) => [name, { dtype: 'f32' as const, shape, data }]));
  await writeSafetensorsFile(path, tensors, { tuningfork_state: jsonText(state, 0) });
}

/**
 * Reads a checkpoint; undefined where there is none.
 * @throws UserError where it is none, or damaged: a tensor with values that are not finite or a negative variance is
 * named
 */
export async function loadCheckpoint(
  path: string,
): Promise<{ state: TrainState; arrays: Map<string, Float32Array> } | undefined> {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = await readSafetensorsFile(path);
  const arrays = new Map<string, Float32Array>();
  for (const [name, tensor] of tensors) {
    const where = `${path}: tensor '${name}'`;
    const values = toFloat32(tensor, where);
    // Adam's second moments are means of squares.
    checkValues(values, name.endsWith('/v'), where);
    // Batch norm's mean and variance lie side by side: see ParameterSet.
    if (name.endsWith('.stats')) checkValues(values.subarray(values.length / 2), true, `${where}, in its variances,`);
    arrays.set(name, values);
  }
  const state = metadata['tuningfork_state'];
  if (state === undefined)
    throw new UserError(
      `${path} is no checkpoint of a training: it lacks the state in its metadata; delete the file to begin anew`,
    );
  return { state: parseState(state, path), arrays };
}
