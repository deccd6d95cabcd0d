import type * as tfjs from '@tensorflow/tfjs';
import { RandomStream, hashText } from '../../engine/random.ts';
import { FIT_BATCHES, type Contender, type Job } from '../contender.ts';
import { images } from '../job_data.ts';
import type { Tf } from './network.ts';

/** Networks of tfjs-layers that `bench fit` trains. */
export type FitNetwork = 'cnn' | 'mobilenet';

const CLASSES = 10;
const SEED = 5;
/** What a contender tells of its backend. */
type Measured = Pick<Contender, 'adapter' | 'gpuBytes' | 'close'>;

/** MobileNet v1's blocks after its first convolution (Howard et al. 2017, table 1): filters at full width, stride. */
const MOBILENET = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const;
const WIDTH = 0.25;

/** Makes initialisers whose seeds count up, so that each process draws the same weights. */
const seeded = (tf: Tf) => {
  let seed = SEED;
  return () => tf.initializers.heNormal({ seed: seed++ });
};

/** Three convolutions and two dense layers, as in tfjs's own examples. */
function smallCnn(tf: Tf, size: number) {
  const { layers } = tf;
  const initial = seeded(tf);
  const conv = (filters: number, inputShape?: [number, number, number]) => [
    layers.conv2d({ filters, kernelSize: 3, activation: 'relu', kernelInitializer: initial(), inputShape }),
    layers.maxPooling2d({ poolSize: 2 }),
  ];
  return tf.sequential({
    layers: [
      ...conv(16, [size, size, 3]),
      ...conv(32),
      ...conv(64),
      layers.flatten(),
      layers.dense({ units: 64, activation: 'relu', kernelInitializer: initial() }),
      layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer: initial() }),
    ],
  });
}

/** MobileNet v1 at a quarter of its width; all but the last two blocks and a new head are frozen. */
function mobileNet(tf: Tf, size: number) {
  const { layers } = tf;
  const initial = seeded(tf);
  const shared = () => ({ padding: 'same' as const, useBias: false });
  const normalised = () => [layers.batchNormalization(), layers.reLU({ maxValue: 6 })];
  const first = layers.conv2d({
    ...shared(),
    filters: 32 * WIDTH,
    kernelSize: 3,
    strides: 2,
    kernelInitializer: initial(),
    inputShape: [size, size, 3],
  });
  const blocks = MOBILENET.map(([filters, strides]) => [
    layers.depthwiseConv2d({ ...shared(), kernelSize: 3, strides, depthwiseInitializer: initial() }),
    ...normalised(),
    layers.conv2d({ ...shared(), filters: filters * WIDTH, kernelSize: 1, kernelInitializer: initial() }),
    ...normalised(),
  ]);
  const frozen = [first, ...normalised(), ...blocks.slice(0, -2).flat()];
  for (const layer of frozen) layer.trainable = false;
  const head = [
    layers.globalAveragePooling2d({}),
    layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer: initial() }),
  ];
  return tf.sequential({
    layers: [...frozen, ...blocks.slice(-2).flat(), ...head] as tfjs.layers.Layer[],
  });
}

const MAKERS: Readonly<Record<FitNetwork, typeof smallCnn>> = { cnn: smallCnn, mobilenet: mobileNet };

/**
 * tfjs's `model.fit` on the backend in use: one run is an epoch of four batches with Adam, and gives its mean loss.
 * @param measured of the backend
 */
export function fitContender(tf: Tf, measured: Measured, job: Job): Contender {
  const { batch, size } = job;
  const count = FIT_BATCHES * batch;
  const random = new RandomStream(SEED, hashText('classes'));
  const classes = Int32Array.from({ length: count }, () => Math.floor(random.uniform() * CLASSES));
  const x = tf.tensor4d(images({ ...job, batch: count }), [count, size, size, 3]);
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), CLASSES).toFloat());
  const model = MAKERS[job.model as FitNetwork](tf, size);
  model.compile({ optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' });
  return {
    ...measured,
    async run() {
      const { history } = await model.fit(x, y, { batchSize: batch, epochs: 1, shuffle: false, verbose: 0 });
      return Float32Array.from(history['loss'] as number[]);
    },
    profile: () => Promise.resolve(undefined),
  };
}
