import type { Device } from '../../engine/device/device.ts';
import type { ReportData } from '../report/data.ts';
import { hashIds } from '../split.ts';
import type { TrainOptions } from './options.ts';
import type { Trained } from './train.node.ts';

/** What a report says beside the judgement. */
export interface ReportContext {
  readonly run: ReportData['run'];
  readonly training?: ReportData['training'];
  /** The galaxies by the part that they played; indices into the dataset. */
  readonly sides: readonly { readonly name: string; readonly galaxies: readonly number[] }[];
  /** What metrics.json holds further. */
  readonly figures: object;
}

/** What there is to tell of a training. */
export function trainingContext(
  device: Device,
  { prepared: { dataset, train, validation }, state, model, parameters }: Trained,
  options: TrainOptions,
  name: string,
): ReportContext {
  const seconds = state.history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return {
    run: { name, model: model.network.name, adapter: device.adapter.description, seconds, seed: options.seed },
    training: {
      epochs: state.history,
      ...(options.keep === 'best' && state.best && { bestEpoch: state.best.epoch }),
      configuration: Object.entries(options).map(([key, value]) => ({
        name: key,
        value: typeof value === 'object' ? JSON.stringify(value) : value,
      })),
    },
    sides: [
      { name: 'train', galaxies: train },
      { name: 'validation', galaxies: validation },
    ],
    figures: {
      seconds,
      bestEpoch: state.best?.epoch ?? null,
      keep: options.keep,
      history: state.history,
      counts: { train: train.length, validation: validation.length },
      judgedOn: hashIds(validation.map((index) => dataset.galaxies[index].id)),
      parameters: parameters.trainableSize,
      options,
    },
  };
}
