import { UserError } from '../engine/user_error.ts';
import type { Json } from './formats/model_file.ts';
import { parseSafetensors, writeSafetensors } from './formats/safetensors.ts';
import { toFloat32, type StoredTensor } from './formats/stored_tensor.ts';

/** Arrays by name, each with its shape. */
export type Values = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** All that the next epoch of a `fit` depends on. */
export interface Checkpoint<Moments = Values> {
  /** What `fit` told of each epoch. */
  readonly epochs: readonly Json[];
  readonly steps: number;
  readonly weights: Values;
  readonly moments: Moments;
  /** The epoch of the lowest validation loss, and its weights. */
  readonly best?: { readonly epoch: number; readonly weights: Values };
}

const METADATA = 'tuningfork_fit';
const NAME = 'the checkpoint';

/** The bytes of a checkpoint: a safetensors file. */
export function packCheckpoint({ epochs, steps, weights, moments, best }: Checkpoint): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  const add = (prefix: string, values: Values) => {
    for (const [name, { shape, data }] of values) tensors.set(`${prefix}/${name}`, { dtype: 'f32', shape, data });
  };
  add('weights', weights);
  add('moments', moments);
  if (best) add('best', best.weights);
  const said = JSON.stringify({ version: 1, epochs, steps, ...(best && { best: best.epoch }) });
  return writeSafetensors(tensors, { [METADATA]: said });
}

/** Reads a checkpoint back. @throws UserError where it is damaged, or none */
export function unpackCheckpoint(bytes: Uint8Array): Checkpoint<ReadonlyMap<string, Float32Array>> {
  const { tensors, metadata } = parseSafetensors(bytes, NAME);
  const { epochs, steps, best } = describedIn(metadata);
  const of = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(`${prefix}/`))
        .map(([name, tensor]) => [
          name.slice(prefix.length + 1),
          { shape: tensor.shape, data: toFloat32(tensor, `${NAME}: ${name}`) },
        ]),
    );
  const moments = new Map([...of('moments')].map(([name, { data }]) => [name, data]));
  return {
    epochs,
    steps,
    weights: of('weights'),
    moments,
    ...(best !== undefined && { best: { epoch: best, weights: of('best') } }),
  };
}

function describedIn(metadata: Readonly<Record<string, string>>) {
  const text = metadata[METADATA];
  if (text === undefined) throw new UserError(`${NAME} is a safetensors file that fit did not write`);
  const damaged = new UserError(`${NAME} is damaged: its metadata is not what fit writes`);
  let said: { version?: unknown; epochs?: unknown; steps?: unknown; best?: unknown } | null;
  try {
    said = JSON.parse(text);
  } catch {
    throw damaged;
  }
  const { version, epochs, steps, best } = said ?? {};
  const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1;
  const isResult = (each: unknown, i: number) => (each as { epoch?: unknown } | null)?.epoch === i + 1;
  if (version !== 1 || !Array.isArray(epochs) || !epochs.every(isResult) || !isCount(steps)) throw damaged;
  if (best !== undefined && !(isCount(best) && best <= epochs.length)) throw damaged;
  return { epochs: epochs as Json[], steps, best };
}
