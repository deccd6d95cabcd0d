import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltModel } from '../../models/build_network.ts';
import { packModel, unpackModel, type Model } from '../../models/formats/model_file.ts';
import { elementCount } from '../../models/formats/stored_tensor.ts';
import { IMAGENET } from '../../models/normalisation.ts';
import { readOnnxFile } from '../../models/onnx/onnx_file.node.ts';
import { buildOnnx, restoreOnnx } from '../../models/onnx/onnx_model.ts';
import type { Format } from './formats.ts';
import { onnxApart, onnxNetworks } from './onnx_files.ts';

/** The model file of a network that came as ONNX, with two new classes. */
function modelOf(bytes: Uint8Array): Model {
  const { network, weights, graph, arithmetic } = buildOnnx(
    { bytes, source: 'sound' },
    { classes: 2, size: 8 },
    IMAGENET,
  );
  const { name, config } = network;
  const values = network.specs.map((spec) => {
    const data = weights.get(spec.name) ?? new Float32Array(elementCount(spec.shape));
    return [spec.name, { shape: spec.shape, data }] as const;
  });
  return {
    architecture: { name, config },
    task: { name: 'classes', head: 'softmax' },
    classes: ['cat', 'dog'],
    preprocessing: { ...IMAGENET, size: 8, crop: 8 },
    ...arithmetic,
    config: {},
    weights: new Map(values),
    graph,
  };
}

function requireWeights({ network, weights }: BuiltModel): void {
  for (const { name, shape } of network.specs) {
    const held = weights.get(name);
    if (held !== undefined && held.length !== elementCount(shape))
      throw new Error(`accepted what is wrong: ${name} is not of its shape`);
  }
}

/** Networks from ONNX: their files, which may keep numbers in others, and the model files that hold their graphs. */
export const NETWORKS: Readonly<Record<string, Format>> = {
  'network of onnx': {
    sound: async () => [...onnxNetworks(), ...onnxApart('case')],
    async read(bytes, folder) {
      const path = join(folder, 'case');
      await writeFile(path, bytes);
      const file = readOnnxFile(path);
      for (const classes of [undefined, 2]) requireWeights(buildOnnx(file, { classes, size: 8 }, IMAGENET));
    },
  },
  'network in model.safetensors': {
    sound: async () => onnxNetworks().map((bytes) => packModel(modelOf(bytes))),
    read: async (bytes) => requireWeights(restoreOnnx(unpackModel(bytes, 'case'), 'case')),
  },
};
