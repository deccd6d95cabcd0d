import * as tf from '@tensorflow/tfjs';

const stripe = (image, row, column) => Number((image % 2 ? row : column) % 4 < 2);
const x = Float32Array.from({ length: 120 * 144 }, (_, i) =>
  stripe(Math.floor(i / 144), Math.floor((i % 144) / 12), i % 12),
);
const y = Float32Array.from({ length: 120 }, (_, image) => image % 2);
const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [12, 12, 1] }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, activation: 'softmax' }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.01), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
const [images, labels] = [tf.tensor4d(x, [120, 12, 12, 1]), tf.tensor1d(y)];
await model.fit(images, labels, { epochs: 5, verbose: 0 });
const [, accuracy] = model.evaluate(images, labels);
console.log((await accuracy.data())[0]);
