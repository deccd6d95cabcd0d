import { predictGalaxies } from '../galaxies/classify/evaluate.ts';
import { SILENT } from '../galaxies/classify/progress.ts';
import { loadModel, requireClasses, viewsFor } from './load_model.node.ts';
import { openGalaxies } from './open_galaxies.node.ts';
import type { GlobalOptions } from './options.ts';
import { PartFile } from './part_file.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface PredictFlags extends GlobalOptions {
  readonly data: string;
  readonly out?: string;
  readonly tta: number;
  readonly skipBad?: boolean;
}

/** Galaxies predicted and written at a time: what bounds the memory. */
const CHUNK = 512;

/** Probabilities of every galaxy of a folder, as csv (or a JSON line each), written as they are made. */
export async function predict(path: string, flags: PredictFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await loadModel(device, path);
  requireClasses(model, path);
  const progress = terminalProgress();
  await using out = flags.out === undefined ? undefined : await PartFile.create(flags.out);
  const dataset = await openGalaxies(flags.data, flags.skipBad ?? false, progress);
  const write = (text: string) => (out ? out.write(text) : void process.stdout.write(text));
  try {
    for (const note of dataset.notes) progress.line(note);
    const views = viewsFor(model, dataset);
    const { classes } = model;
    if (!flags.json) await write(`id,${classes.join(',')},predicted\n`);
    progress.start('predicting', dataset.galaxies.length);
    for (let start = 0; start < dataset.galaxies.length; start += CHUNK) {
      const galaxies = Array.from({ length: Math.min(CHUNK, dataset.galaxies.length - start) }, (_, i) => start + i);
      const probabilities = await predictGalaxies(device, model.built.network, model.parameters, views, galaxies, flags.tta, { ...SILENT, tick: (done) => progress.tick(start + done) });
      const rows = galaxies.map((galaxy, i) => {
        const row = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
        const { id } = dataset.galaxies[galaxy];
        const guess = classes[row.indexOf(Math.max(...row))];
        return flags.json
          ? JSON.stringify({ id, probabilities: Object.fromEntries(classes.map((name, k) => [name, row[k]])), predicted: guess })
          : `${id},${[...row].map((p) => p.toFixed(6)).join(',')},${guess}`;
      });
      await write(`${rows.join('\n')}\n`);
    }
    progress.end();
    await out?.finish();
  } finally {
    progress.end();
    await dataset.close();
  }
}
