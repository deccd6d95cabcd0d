import { softmax } from '../engine/ops/softmax_cross_entropy.ts';
import { UserError } from '../engine/user_error.ts';
import { taskOf, type TaskChoice } from '../galaxies/tasks.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { exportOnnx, type ExportOnnxOptions } from '../models/onnx/export/export_onnx.ts';
import { ANSWERS } from '../models/onnx/onnx_model.ts';
import type { StoredModel } from '../vision/answer/stored_model.ts';
import { jsonText } from '../vision/json_text.ts';
import { readStored, requireTask, type OnnxFlags as ReadFlags } from './load_model.node.ts';
import type { GlobalOptions } from './options.ts';

export interface OnnxFlags extends GlobalOptions, ReadFlags {
  readonly to: string;
  /** The file gives them instead of logits. */
  readonly probabilities?: boolean;
  /** The file takes pixels up to this, and normalises them itself. */
  readonly preprocess?: '1' | '255';
  readonly layout?: 'nchw' | 'nhwc';
}

/** Writes a model as an ONNX file, with what is needed to show it images in the file's metadata. */
export async function exportOnnxModel(path: string, flags: OnnxFlags): Promise<void> {
  const { to, layout = 'nchw', preprocess } = flags;
  const model = await readStored(path, flags);
  const task = requireTask(model, path);
  const { mean, std, channels } = model.built.preprocessing;
  const normalisation = { mean, std, ...(channels && { channels }) };
  const answer = flags.probabilities || isOfShares(model) ? answerOf(model, task, path) : undefined;
  const pixels = preprocess === undefined ? 'normalised' : `0..${preprocess}`;
  const bytes = exportOnnx(model.built, {
    size: model.size,
    layout: layout === 'nhwc' ? 'NHWC' : 'NCHW',
    ...(answer && { answer }),
    ...(preprocess !== undefined && { preprocess: { ...normalisation, most: preprocess === '1' ? 1 : 255 } }),
    metadata: { ...metadataOf(model, task, pixels), output: answer?.name ?? 'logits' },
  });
  await writeFileAtomic(to, bytes);
  const output = answer?.name ?? 'logits';
  const side = model.size;
  const sides = layout === 'nhwc' ? [side, side, 3] : [3, side, side];
  if (flags.json) {
    // As in ONNX's own tools, -1 is any length.
    console.log(jsonText({ file: to, input: [-1, ...sides], pixels, output, classes: model.classes }, 0));
    return;
  }
  const order = channels === 'bgr' ? '; blue first' : '';
  const normalised = `normalised: pixels in 0..1 less ${mean.join(', ')}, divided by ${std.join(', ')}${order}`;
  console.log(
    `${to}: ${model.built.network.name} for onnxruntime and others; \`input\` [N, ${sides.join(', ')}] ${preprocess === undefined ? normalised : `of pixels in ${pixels}`}; \`${output}\` [N, ${model.classes.length}]`,
  );
}

/** Whether it came as an ONNX file whose own sigmoids stayed. */
const isOfShares = ({ built }: Pick<StoredModel, 'built'>): boolean => built.network.config[ANSWERS] === 'sigmoids';

/** What the command line calls a prediction, as a graph of the logits. */
function answerOf({ built, classes }: StoredModel, choice: TaskChoice, path: string): ExportOnnxOptions['answer'] {
  if (isOfShares({ built })) return { name: 'probabilities', of: (shares) => shares };
  const task = taskOf(choice, classes);
  if (task.answers === 'probabilities') return { name: 'probabilities', of: (logits) => softmax(task.scores(logits)) };
  if (choice.name === 'challenge') return { name: 'fractions', of: task.scores };
  throw new UserError(
    `--probabilities is for classes and for the challenge, and ${path} predicts ${classes.slice(0, 3).join(', ')}; leave it out: the file gives the numbers of the last layer`,
  );
}

/** For whoever shows the model images: what they are to be like, and what the outputs stand for. */
function metadataOf(model: StoredModel, task: TaskChoice, pixels: string): Record<string, string> {
  const { built, classes, size, crop, shortSide, stretch } = model;
  const { mean, std, channels = 'rgb' } = built.preprocessing;
  return {
    architecture: built.network.name,
    task: JSON.stringify(task),
    classes: JSON.stringify(classes),
    preprocessing: JSON.stringify({ size, crop, shortSide, stretch, mean, std, channels }),
    input: pixels,
  };
}
