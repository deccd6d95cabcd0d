import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { storedTask } from '../../galaxies/tasks.ts';
import { layerTable } from '../../models/layer_table.ts';
import { findTensor } from '../../models/grad_cam.ts';
import { applySegments } from '../../models/network.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import { readModel, viewsFor, type StoredModel } from '../../vision/answer/stored_model.ts';
import { BROWSER_READER } from '../../vision/data/file_reader.browser.ts';
import { rgbOf } from '../../vision/data/picture.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { imageInput } from '../../vision/view/views.ts';
import { DeviceKeeper } from '../common/device_keeper.ts';

/** What the page says of a model that others trained. */
export interface ForeignFacts {
  readonly name: string;
  readonly file: string;
  /** Side of the square that it is given. */
  readonly size: number;
  readonly classes: readonly string[];
  readonly layers: readonly { readonly name: string; readonly shape: readonly number[]; readonly parameters: number }[];
}

/** The output of one layer for an image; of many channels, the first. */
export interface ForeignMaps {
  readonly layer: string;
  /** [H, W, C], or [C] where it has no space: of what is given here. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Channels that are left out. */
  readonly left: number;
}

/** Channels of a layer that are shown. */
export const MOST_CHANNELS = 64;

/** A model from a file, whose layers can be looked at on an image. It has a device of its own. */
export class ForeignModel {
  private readonly keeper: DeviceKeeper<ParameterSet>;

  private constructor(
    private readonly stored: StoredModel,
    private readonly file: string,
  ) {
    const { network, weights } = stored.built;
    this.keeper = new DeviceKeeper(async (device) => new ParameterSet(device, network.specs, weights, 0));
  }

  /**
   * A `model.safetensors` of the command line, an ONNX file, or bare weights of a network that is known.
   * @throws UserError where the file is none of these
   */
  static async open(bytes: Uint8Array, file: string): Promise<{ model: ForeignModel; facts: ForeignFacts }> {
    const model = new ForeignModel(await readModel(bytes, file, storedTask), file);
    return { model, facts: await model.facts() };
  }

  private facts(): Promise<ForeignFacts> {
    return this.keeper.use(async (parameters) => {
      const { built, classes, size } = this.stored;
      const rows = layerTable(built.network, parameters, this.input());
      const layers = rows.map(({ names, shape, parameters: count }) => ({
        name: names[names.length - 1],
        shape: shape.slice(1),
        parameters: count,
      }));
      return { name: built.network.name, file: this.file, size, classes, layers };
    });
  }

  private views(image: RgbImage) {
    const dataset = {
      name: 'the image',
      examples: [{ id: 'image' }],
      notes: [],
      load: async () => image,
      close: async () => {},
    };
    return viewsFor(this.stored, dataset);
  }

  private input() {
    const { side, geometry } = this.views({ width: 1, height: 1, data: new Uint8Array(3) });
    return imageInput(1, side, geometry);
  }

  /** What a layer makes of an image; of a drawn galaxy where there is none. */
  async maps(layer: string, picture: Blob | undefined): Promise<ForeignMaps> {
    const image = picture ? await rgbOf(picture, 'the image', BROWSER_READER) : await syntheticDataset(1, 0).load(0);
    const views = this.views(image);
    const feeds = await views.feeds([views.plain(0)]);
    return this.keeper.use(async (parameters, device) => {
      const { network } = this.stored.built;
      const logits = applySegments(network.segments, this.input(), { parameters, batchNorm: 'running' });
      const tensor = findTensor(logits, layer);
      using program = await compile(device, { outputs: [tensor] });
      program.run(feeds);
      return { layer, ...firstChannels(tensor.shape, await program.read(tensor)) };
    });
  }

  close(): Promise<void> {
    return this.keeper.close();
  }
}

/** The first channels of [1, H, W, C] or [1, C]. */
function firstChannels([, ...dims]: readonly number[], all: Float32Array): Omit<ForeignMaps, 'layer'> {
  if (dims.length !== 3 && dims.length !== 1)
    throw new UserError(`a layer of shape ${dims.join(' × ')} is neither maps nor a row of numbers`);
  const channels = dims[dims.length - 1];
  const kept = Math.min(channels, MOST_CHANNELS);
  const data = new Float32Array((all.length / channels) * kept);
  for (let i = 0; i < data.length; i++) data[i] = all[Math.floor(i / kept) * channels + (i % kept)];
  return { shape: [...dims.slice(0, -1), kept], data, left: channels - kept };
}
