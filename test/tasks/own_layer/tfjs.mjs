import * as tf from '@tensorflow/tfjs';

/** y = x w + b, where a number s scales the weights. */
class Scaled extends tf.layers.Layer {
  static className = 'Scaled';
  constructor({ units, ...config }) {
    super(config);
    this.units = units;
  }
  build([, inputs]) {
    this.w = this.addWeight('w', [inputs, this.units], 'float32', tf.initializers.heNormal());
    this.s = this.addWeight('s', [1], 'float32', tf.initializers.ones());
    this.b = this.addWeight('b', [this.units], 'float32', tf.initializers.zeros());
    super.build([null, inputs]);
  }
  computeOutputShape([batch]) {
    return [batch, this.units];
  }
  call(inputs) {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      return x.matMul(this.w.read().mul(this.s.read())).add(this.b.read());
    });
  }
}
tf.serialization.registerClass(Scaled);

const layers = [
  new Scaled({ units: 16, inputShape: [4] }),
  tf.layers.reLU(),
  tf.layers.dense({ units: 2, activation: 'softmax' }),
];
const model = tf.sequential({ layers });
model.compile({ optimizer: tf.train.adam(0.02), loss: 'sparseCategoricalCrossentropy' });
const x = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * i));
const y = Float32Array.from({ length: 100 }, (_, i) => Number(x[4 * i] > 0));
const { history } = await model.fit(tf.tensor2d(x, [100, 4]), tf.tensor1d(y), { epochs: 30, verbose: 0 });
console.log(history.loss.at(-1) < 0.2);
