import * as tf from '@tensorflow/tfjs';

const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
const [x, y] = [tf.tensor2d([0, 1, 2, 3], [4, 1]), tf.tensor2d([1, 3, 5, 7], [4, 1])];
await model.fit(x, y, { epochs: 100, verbose: 0 });
console.log(Math.round((await model.predict(tf.tensor2d([[10]])).data())[0]));
