import { existsSync } from 'node:fs';
import { checkValues } from '../../models/formats/check_values.ts';
import { readSafetensorsFile, writeSafetensorsFile } from '../../models/formats/safetensors.node.ts';
import { toFloat32 } from '../../models/formats/stored_tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { jsonText } from '../json_text.ts';
import { parseState, type TrainState } from './state_file.ts';

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
