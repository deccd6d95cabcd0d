import { jsonText } from '../vision/json_text.ts';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { METHODS, explainExamples, type Method } from '../vision/answer/explain.ts';
import { drawMap, plainPicture } from '../vision/answer/draw.ts';
import { toPng } from '../vision/report/encode.node.ts';
import { taskOf } from '../galaxies/tasks.ts';
import { contactSheet } from '../vision/report/pictures.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { loadModel, requireTask } from './load_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { fileName, openData, requireData, type DataFlags } from './open_data.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface GradcamFlags extends GlobalOptions, DataFlags {
  readonly ids?: string;
  readonly count: number;
  readonly class?: string;
  readonly layer?: string;
  readonly method: 'grad-cam' | 'grad-cam++' | 'guided' | 'all';
  readonly out: string;
}

const METHOD_OF: Record<GradcamFlags['method'], readonly Method[]> = {
  'grad-cam': ['Grad-CAM'],
  'grad-cam++': ['Grad-CAM++'],
  guided: ['Guided backprop'],
  all: METHODS,
};

/** One PNG an image: the input and a map a method, left to right. */
export async function gradcam(path: string, flags: GradcamFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await loadModel(device, path);
  const task = taskOf(requireTask(model, path), model.classes);
  const explained = flags.class === undefined ? undefined : model.classes.indexOf(flags.class);
  if (explained === -1)
    throw new UserError(`the model has no class ${flags.class}; its classes are ${model.classes.join(', ')}`);
  if (explained === undefined && task.answers !== 'probabilities' && model.classes.length > 1)
    throw new UserError(
      `${path} predicts ${task.answers === 'fractions' ? 'vote fractions' : 'numbers'}: say which to explain by --class, such as --class ${model.classes[0]}; it has ${model.classes.join(', ')}`,
    );
  const { dataset } = await openData({ ...requireData(flags), stretch: model.stretch }, terminalProgress());
  try {
    const examples =
      flags.ids === undefined
        ? dataset.examples.slice(0, flags.count).map((_, i) => i)
        : flags.ids.split(',').map((id) => {
            const index = dataset.examples.findIndex((g) => g.id === id.trim());
            if (index < 0) throw new UserError(`${dataset.name} has no image ${id.trim()}`);
            return index;
          });
    const views = viewsFor(model, dataset);
    const found = await explainExamples(
      device,
      { network: model.built.network, parameters: model.parameters, task, views },
      examples.map((example) => ({ example, explained })),
      METHOD_OF[flags.method],
      flags.layer,
    );
    makeFolder(flags.out);
    for (const explanation of found) {
      const { id } = dataset.examples[explanation.example];
      const picture = await plainPicture(dataset, views.geometry, explanation.example);
      const row = [picture, ...explanation.maps.map((map) => drawMap(picture, map))];
      const file = join(flags.out, `${fileName(id)}.png`);
      await writeFileAtomic(file, toPng(contactSheet(row, row.length, views.geometry.size)));
      const score = (task.told?.(explanation.prediction) ?? explanation.prediction)[explanation.explained];
      if (flags.json) console.log(jsonText({ id, file, class: model.classes[explanation.explained], score }, 0));
      else console.log(`${file}  ${model.classes[explanation.explained]} ${score.toFixed(4)}`);
    }
  } finally {
    await dataset.close();
  }
}
