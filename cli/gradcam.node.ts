import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { drawMap, plainPicture } from '../vision/answer/draw.ts';
import { Explainer, explainOne } from '../vision/answer/explain.ts';
import { measureMaps } from '../vision/answer/measure_maps.ts';
import { METHODS, TRAITS, type Method } from '../vision/answer/methods.ts';
import { Predictor } from '../vision/answer/predictor.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { jsonText } from '../vision/json_text.ts';
import { toPicture, toPng } from '../vision/report/encode.node.ts';
import { contactSheet } from '../vision/report/pictures.ts';
import { imageInput } from '../vision/view/views.ts';
import { taskOf } from '../galaxies/tasks.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { MapMeasures } from './gradcam_measures.node.ts';
import { loadModel, requireTask, type OnnxFlags } from './load_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { fileName, lookedAtBy, openData, requireData, type DataFlags } from './open_data.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface GradcamFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly ids?: string;
  readonly count: number;
  readonly class?: string;
  readonly layer?: string;
  readonly methods: readonly Method[];
  /** Views over which each map is averaged. */
  readonly tta: number;
  readonly measure?: boolean;
  readonly out: string;
}

/** One PNG an image: the input and a map a method, left to right; with `--measure` how faithful the maps are. */
export async function gradcam(path: string, flags: GradcamFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await loadModel(device, path, flags);
  const task = taskOf(requireTask(model, path), model.classes);
  const explained = flags.class === undefined ? undefined : model.classes.indexOf(flags.class);
  if (explained === -1)
    throw new UserError(`the model has no class ${flags.class}; its classes are ${model.classes.join(', ')}`);
  if (explained === undefined && task.answers !== 'probabilities' && model.classes.length > 1)
    throw new UserError(
      `${path} predicts ${task.answers === 'fractions' ? 'vote fractions' : 'numbers'}: say which to explain by --class, such as --class ${model.classes[0]}; it has ${model.classes.join(', ')}`,
    );
  if (flags.measure && task.answers === 'values')
    throw new UserError(
      `${path} predicts numbers of any size, and --measure is about a confidence in 0..1; leave it out`,
    );
  const progress = terminalProgress();
  const { dataset } = await openData({ ...requireData(flags), stretch: model.stretch }, progress, lookedAtBy(model));
  try {
    const examples = chosen(dataset, flags);
    const views = viewsFor(model, dataset);
    const answering = { network: model.built.network, parameters: model.parameters, task, views };
    const { layer, measure: measured } = flags;
    using explainer = await Explainer.create(device, answering, flags.methods, { layer, measured });
    using predictor = await Predictor.create(device, answering, imageInput(1, views.side, views.geometry));
    const share = (row: ArrayLike<number>) => task.told?.(row) ?? row;
    const measures = measured
      ? new MapMeasures(layer ?? answering.network.lastConv, model.classes, flags.methods)
      : undefined;
    progress.start('explaining', examples.length);
    for (const [i, example] of examples.entries()) {
      const explanation = await explainOne({ explainer, predictor, views }, { example, explained }, flags.tta);
      const { id } = dataset.examples[example];
      const picture = await plainPicture(dataset, views.geometry, example);
      const maps = explanation.maps.map((map) => ({ method: map.method, picture: drawMap(picture, map) }));
      makeFolder(flags.out);
      const file = join(flags.out, `${fileName(id)}.png`);
      const row = [picture, ...maps.map((map) => map.picture)];
      await writeFileAtomic(file, toPng(contactSheet(row, row.length, views.geometry.size)));
      const score = share(explanation.prediction)[explanation.explained];
      const faithful =
        measured &&
        (await measureMaps(explainer, explanation, (scores) => share(task.prediction(scores))[explanation.explained]));
      if (faithful)
        measures!.add({
          id,
          input: await toPicture(picture),
          maps: await Promise.all(maps.map(async (map) => ({ ...map, picture: await toPicture(map.picture) }))),
          explained: explanation.explained,
          score,
          measures: faithful,
        });
      progress.tick(i + 1);
      tell(flags, {
        id,
        file,
        class: model.classes[explanation.explained],
        score,
        ...(faithful && { measures: faithful }),
      });
    }
    progress.end();
    await measures?.write(flags);
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** The images to explain: those named, or the first. */
function chosen(dataset: Dataset, { ids, count }: Pick<GradcamFlags, 'ids' | 'count'>): number[] {
  if (ids === undefined) return dataset.examples.slice(0, count).map((_, i) => i);
  return ids.split(',').map((id) => {
    const index = dataset.examples.findIndex((example) => example.id === id.trim());
    if (index < 0) throw new UserError(`${dataset.name} has no image ${id.trim()}`);
    return index;
  });
}

/** What is printed of an image. */
interface Told {
  readonly id: string;
  readonly file: string;
  readonly class: string;
  readonly score: number;
  readonly measures?: object;
}

function tell({ json }: GlobalOptions, told: Told): void {
  if (json) console.log(jsonText(told, 0));
  else console.log(`${told.file}  ${told.class} ${told.score.toFixed(4)}`);
}

/**
 * The methods of a list such as `grad-cam,occlusion`, or of `all`.
 * @throws UserError where there is no such method
 */
export function methodsOf(list: string): readonly Method[] {
  if (list === 'all') return METHODS;
  const flagsOf = METHODS.map((method) => TRAITS[method].flag as string);
  return list.split(',').map((flag) => {
    const index = flagsOf.indexOf(flag.trim());
    if (index < 0) throw new UserError(`there is no method ${flag.trim()}; choose of ${flagsOf.join(', ')}, or all`);
    return METHODS[index];
  });
}
