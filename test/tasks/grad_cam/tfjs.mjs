import * as tf from '@tensorflow/tfjs';

const image = tf.input({ shape: [12, 12, 3] });
const conv = (filters) => tf.layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu' });
const last = conv(8).apply(conv(8).apply(image));
const bottom = tf.model({ inputs: image, outputs: last });
const [pool, classify] = [tf.layers.globalAveragePooling2d({}), tf.layers.dense({ units: 2 })];
const top = (activation) => classify.apply(pool.apply(activation));
top(last); // builds the layers
const map = tf.tidy(() => {
  const activation = bottom.predict(tf.ones([1, 12, 12, 3]));
  const gradient = tf.grad((a) => top(a).gather([1], 1).sum())(activation);
  const weights = gradient.mean([1, 2], true);
  return activation.mul(weights).sum(-1).relu();
});
console.log((await map.data()).length);
