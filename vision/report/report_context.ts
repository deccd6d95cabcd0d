import type { Device } from '../../engine/device/device.ts';
import type { RunFacts, TrainingSummary } from './data.ts';
import { hashIds } from '../data/split.ts';
import type { TrainState } from '../train/state_file.ts';
import type { TrainOptions } from '../train/options.ts';
import type { Trained } from '../train/train.node.ts';

/** What a report says beside the judgement. */
export interface ReportContext {
  readonly run: RunFacts;
  readonly training?: TrainingSummary;
  /** The images by the part that they played; indices into the dataset. */
  readonly sides: readonly { readonly name: string; readonly examples: readonly number[] }[];
  /** What metrics.json holds further. */
  readonly figures: object;
}

/** What a training took: its epochs, and the frozen front before them. */
export const trainingSeconds = ({ history, frontSeconds = 0 }: Pick<TrainState, 'history' | 'frontSeconds'>): number =>
  history.reduce((sum, { seconds }) => sum + seconds, frontSeconds);

/** What there is to tell of a training. */
export function trainingContext(
  device: Device,
  { prepared: { dataset, train, validation }, state, model, parameters, changes }: Trained,
  options: TrainOptions,
  name: string,
): ReportContext {
  const { frontSeconds } = state;
  const seconds = trainingSeconds(state);
  return {
    run: {
      name,
      model: model.network.name,
      adapter: device.adapter.description,
      seconds,
      ...(frontSeconds !== undefined && { frontSeconds }),
      seed: options.seed,
    },
    training: {
      epochs: state.history,
      ...(changes.length > 0 && { changes }),
      ...(options.keep === 'best' && state.best && { bestEpoch: state.best.epoch }),
      configuration: Object.entries(options).map(([key, value]) => ({
        name: key,
        value: typeof value === 'object' ? JSON.stringify(value) : value,
      })),
    },
    sides: [
      { name: 'train', examples: train },
      { name: 'validation', examples: validation },
    ],
    figures: {
      seconds,
      ...(frontSeconds !== undefined && { frontSeconds }),
      bestEpoch: state.best?.epoch ?? null,
      keep: options.keep,
      history: state.history,
      counts: { train: train.length, validation: validation.length },
      judgedOn: hashIds(validation.map((index) => dataset.examples[index].id)),
      parameters: parameters.trainableSize,
      options,
      ...(changes.length > 0 && { acceptedChanges: changes }),
    },
  };
}
