import { DEVIATIONS, MEANS, type Json, type JsonObject } from '../formats/model_file.ts';
import type { Normalisation } from '../normalisation.ts';
import { decodeModel } from './proto.ts';

/** What a file that `tuningfork export` wrote says of itself in its metadata; of others nothing is known. */
export interface Said {
  readonly preprocessing?: Normalisation;
  readonly classes?: readonly string[];
  readonly task?: JsonObject;
  /** What the file gives, where it is neither logits nor their softmax. */
  readonly output?: 'fractions';
  /** The value of the graph that holds the logits, where the file gives what is made of them. */
  readonly logits?: string;
  /** See ViewGeometry. */
  readonly shortSide?: number;
  readonly crop?: number;
  /** How samples of more than 8 bits become 8. */
  readonly stretch?: JsonObject;
}

/** Reads the metadata of an ONNX file; what makes no sense there is as if it were not said. */
export function saidIn(bytes: Uint8Array, source: string): Said {
  const { metadataProps, graph } = decodeModel(bytes, source);
  const texts = new Map(metadataProps.map(({ key, value }) => [key, value]));
  const read = (key: string): Json => {
    try {
      return JSON.parse(texts.get(key) ?? 'null') as Json;
    } catch {
      return null;
    }
  };
  const [shown, classes, task] = [objectOf(read('preprocessing')), read('classes'), objectOf(read('task'))];
  if (!shown) return {};
  const preprocessing = preprocessingOf(shown, texts.get('input') ?? 'normalised');
  const { shortSide, crop } = shown;
  const [output, logits] = [texts.get('output') ?? graph?.output[0]?.name, texts.get('logits')];
  const stretch = objectOf(shown.stretch ?? null);
  return {
    ...(preprocessing && { preprocessing }),
    ...(Array.isArray(classes) &&
      classes.every((name) => typeof name === 'string') && { classes: classes as string[] }),
    ...(output === 'fractions' && { output }),
    ...(graph?.node.some((node) => node.output.includes(logits ?? '')) && { logits }),
    ...(task && typeof task.name === 'string' && { task }),
    ...(isSide(shortSide) && { shortSide }),
    ...(isSide(crop) && { crop }),
    ...(stretch && { stretch }),
  };
}

const objectOf = (json: Json): JsonObject | undefined =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : undefined;

const isSide = (json: Json | undefined): json is number =>
  typeof json === 'number' && Number.isInteger(json) && json > 0 && json <= 2 ** 14;

/** @param input `normalised`, or the range of the pixels that the graph normalises itself */
function preprocessingOf({ mean, std, channels }: JsonObject, input: string): Normalisation | undefined {
  if (input === '0..1' || input === '0..255') {
    const deviation = input === '0..1' ? 1 : 1 / 255;
    return { mean: [0, 0, 0], std: [deviation, deviation, deviation] };
  }
  const within = (json: Json | undefined, [low, high]: readonly [number, number]): json is number[] =>
    Array.isArray(json) && json.length === 3 && json.every((n) => typeof n === 'number' && n >= low && n <= high);
  if (!within(mean, MEANS) || !within(std, DEVIATIONS)) return undefined;
  return { mean, std, ...(channels === 'bgr' && { channels }) };
}
