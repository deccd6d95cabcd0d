import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';

const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [12, 12, 3] }),
    tf.layers.globalAveragePooling2d({}),
    tf.layers.dense({ units: 2 }),
  ],
});
// `file://` needs another package, tfjs-node; without it a handler writes the parts.
await model.save(
  tf.io.withSaveHandler(async (artifacts) => {
    const { weightData, ...rest } = artifacts;
    writeFileSync('small.json', JSON.stringify(rest));
    writeFileSync('small.bin', new Uint8Array(weightData));
    return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
  }),
);
console.log('saved');
