import { UserError } from '../../engine/user_error.ts';
import { checkValues } from './check_values.ts';
import { parseSafetensors, writeSafetensors } from './safetensors.ts';
import { toFloat32, type StoredTensor } from './stored_tensor.ts';

/*
 * RUN/model.safetensors: the weights, and beside them under one metadata key all that predicting from the file alone
 * needs.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export interface Model {
  /** Which network: its name and what the function that builds it is called with. */
  readonly architecture: { readonly name: string; readonly config: JsonObject };
  /**
   * What the network was trained for, and what turns its last layer into predictions; absent in files of trunks and of
   * earlier versions.
   */
  readonly task?: { readonly name: string; readonly head: string };
  /** What the outputs stand for, in their order. */
  readonly classes: readonly string[];
  readonly preprocessing: {
    /** Side of the square image the network is given, in pixels. */
    readonly size: number;
    /** Side of the central square of the original that is resized to `size`; null for the whole image. */
    readonly crop: number | null;
    /** Per channel (R, G, B) of pixels in 0..1: x = (pixel - mean) / std. */
    readonly mean: readonly number[];
    readonly std: readonly number[];
    /** The network is given B, G, R; absent: R, G, B. */
    readonly channels?: 'bgr';
  };
  readonly padding: 'same' | 'symmetric';
  readonly bnEpsilon: number;
  /** How it was trained, for whoever reads the file; nothing here is needed to predict. */
  readonly config: JsonObject;
  readonly weights: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /**
   * Of an architecture that has no name here: the graph as ONNX, without its weights. It is a tensor of bytes of the
   * same file, so that one file is all that predicting needs, in a browser too, and checksums cover it.
   */
  readonly graph?: Uint8Array;
}

/** The tensor that holds `Model.graph`. */
const GRAPH = 'network.onnx';
const METADATA_KEY = 'tuningfork';
const VERSION = 1;
/** For those who read the file by other programs, whose filters lie otherwise. */
const LAYOUT = 'filters [r, s, in, out], depthwise [r, s, channels], dense [in, out]; images NHWC';

/*
 * What makes sense of pixels in 0..1. A deviation of 1/255 stands for networks that want 0..255; one of 58 was meant
 * for pixels in 0..255, and would give every network the same grey picture.
 */
export const MEANS = [0, 1] as const;
export const DEVIATIONS = [1e-3, 1] as const;
/** A longer side of a network's input is a damaged file's, not a network's. */
const MOST_PIXELS = 2 ** 14;
const EPSILONS = [1e-12, 1] as const;

/** The bytes of a model file; the same model gives the same bytes. */
export function packModel(model: Model): Uint8Array {
  const { weights, graph, ...description } = model;
  const tensors = new Map<string, StoredTensor>(
    [...weights].map(([name, { shape, data }]) => [name, { dtype: 'f32', shape, data }]),
  );
  if (graph && tensors.has(GRAPH))
    throw new UserError(`a weight of the network is called ${GRAPH}, as its graph would be; give it another name`);
  if (graph) tensors.set(GRAPH, { dtype: 'u8', shape: [graph.length], data: graph });
  return writeSafetensors(tensors, {
    format: 'tuningfork',
    layout: LAYOUT,
    [METADATA_KEY]: JSON.stringify({ version: VERSION, ...description }),
  });
}

/**
 * Reads a model file back. Weights are views of `bytes` where aligned.
 * @param name what the file is called in error sentences.
 * @throws UserError when it is not a model of this program, of a later version, or lacks a field.
 */
export function unpackModel(bytes: Uint8Array, name: string): Model {
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const description = describedBy(metadata, name);
  if (description === undefined) {
    throw new UserError(
      `${name}: its metadata has no '${METADATA_KEY}' key, so it is not a model that tuningfork saved; give bare weights by --weights instead.`,
    );
  }
  // Bytes, which a weight never is.
  const { dtype, data } = tensors.get(GRAPH) ?? {};
  const graph = dtype === 'u8' && data instanceof Uint8Array ? data : undefined;
  const weights = new Map(
    [...tensors].flatMap(([key, tensor]) =>
      graph && key === GRAPH
        ? []
        : [[key, { shape: tensor.shape, data: soundValues(tensor, key, `${name}: tensor '${key}'`) }] as const],
    ),
  );
  return { ...description, weights, ...(graph && { graph }) };
}

/**
 * What a file's metadata says of the model, all but its weights; undefined where this program did not save it.
 * @throws UserError as `unpackModel` does
 */
export function describedBy(
  metadata: Readonly<Record<string, string>>,
  name: string,
): Omit<Model, 'weights'> | undefined {
  const text = metadata[METADATA_KEY];
  if (text === undefined) return undefined;
  const fields = new Fields(name, parseJson(text, name));
  const version = fields.number('version');
  if (version !== VERSION)
    throw new UserError(
      `${name}: it was saved in version ${version} of the model format, and this program reads version ${VERSION}; use the program that saved it.`,
    );

  const architecture = fields.object('architecture');
  const preprocessing = fields.object('preprocessing');
  const size = preprocessing.positiveInteger('size', MOST_PIXELS);
  const padding = fields.string('padding');
  if (padding !== 'same' && padding !== 'symmetric') throw fields.wrong('padding', "neither 'same' nor 'symmetric'");
  return {
    architecture: { name: architecture.string('name'), config: architecture.object('config').json },
    ...(Object.hasOwn(fields.json, 'task') && {
      task: { name: fields.object('task').string('name'), head: fields.object('task').string('head') },
    }),
    classes: fields.strings('classes'),
    preprocessing: {
      size,
      crop: preprocessing.json.crop === null ? null : preprocessing.positiveInteger('crop', MOST_PIXELS),
      mean: preprocessing.colour('mean', ...MEANS),
      std: preprocessing.colour('std', ...DEVIATIONS),
      ...(Object.hasOwn(preprocessing.json, 'channels') && { channels: preprocessing.channels('channels') }),
    },
    padding,
    bnEpsilon: fields.between('bnEpsilon', ...EPSILONS),
    config: fields.object('config').json,
  };
}

/** A batch norm's running variance ends in `.var` under our names: see ParameterList.addBatchNorm. */
function soundValues(tensor: StoredTensor, key: string, where: string): Float32Array {
  const values = toFloat32(tensor, where);
  checkValues(values, key.endsWith('.var'), where);
  return values;
}

function parseJson(text: string, name: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${name}: its '${METADATA_KEY}' metadata is not JSON; the file is damaged.`);
  }
  if (!isObject(value))
    throw new UserError(`${name}: its '${METADATA_KEY}' metadata is not an object; the file is damaged.`);
  return value;
}

/** Reads fields of an object by type; what is missing or of another type is named by its path. */
class Fields {
  readonly json: JsonObject;
  readonly #file: string;
  readonly #path: string;

  constructor(file: string, json: JsonObject, path = '') {
    this.#file = file;
    this.json = json;
    this.#path = path;
  }

  wrong(key: string, what: string): UserError {
    return new UserError(
      `${this.#file}: '${this.#path}${key}' in its '${METADATA_KEY}' metadata is ${what}; the file is damaged or was edited.`,
    );
  }

  #get(key: string): Json {
    if (!Object.hasOwn(this.json, key)) throw this.wrong(key, 'missing');
    return this.json[key];
  }

  object(key: string): Fields {
    const value = this.#get(key);
    if (!isObject(value)) throw this.wrong(key, 'not an object');
    return new Fields(this.#file, value, `${this.#path}${key}.`);
  }

  string(key: string): string {
    const value = this.#get(key);
    if (typeof value !== 'string') throw this.wrong(key, 'not a string');
    return value;
  }

  strings(key: string): string[] {
    const value = this.#get(key);
    if (!Array.isArray(value) || !value.length || !value.every((item) => typeof item === 'string'))
      throw this.wrong(key, 'not a list of names');
    if (new Set(value).size < value.length) throw this.wrong(key, 'a list with a name twice');
    return value;
  }

  number(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number') throw this.wrong(key, 'not a number');
    return value;
  }

  positive(key: string): number {
    const value = this.number(key);
    if (value <= 0) throw this.wrong(key, `${value}, not above 0`);
    return value;
  }

  positiveInteger(key: string, most: number): number {
    const value = this.positive(key);
    if (!Number.isInteger(value)) throw this.wrong(key, `${value}, not a whole number`);
    if (value > most) throw this.wrong(key, `${value}, more than ${most}`);
    return value;
  }

  between(key: string, low: number, high: number): number {
    const value = this.positive(key);
    if (!(value >= low && value <= high)) throw this.wrong(key, `${value}, not a number from ${low} to ${high}`);
    return value;
  }

  channels(key: string): 'bgr' {
    if (this.#get(key) !== 'bgr') throw this.wrong(key, "not 'bgr'");
    return 'bgr';
  }

  colour(key: string, low: number, high: number): number[] {
    const value = this.#get(key);
    const isNumber = (item: unknown): boolean => typeof item === 'number' && (low === 0 || item > 0);
    if (!Array.isArray(value) || value.length !== 3 || !value.every(isNumber))
      throw this.wrong(key, low === 0 ? 'not three numbers' : 'not three positive numbers');
    if (!value.every((item: number) => item >= low && item <= high))
      throw this.wrong(key, `${value.join(', ')}, which are not all from ${low} to ${high}, as of pixels in 0..1`);
    return value;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
