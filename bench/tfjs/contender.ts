import type { Scalar } from '@tensorflow/tfjs';
import type { Contender, Job } from '../contender.ts';
import { ADAM, CONFIG, LEARNING_RATE, images, targets, weights } from '../job_data.ts';
import { applyNetwork, makeVariables } from './network.ts';
import type { OpenTf } from './open.ts';

/** tfjs with EfficientNet-B0 ready for the job. To close it leaves the backend open. */
export function tfjsContender({ tf, backend: { bufferManager }, device }: OpenTf, job: Job): Contender {
  const variables = makeVariables(tf, weights());
  const pixels = images(job);
  const shape: [number, number, number, number] = [job.batch, job.size, job.size, 3];
  const shared = {
    adapter: device.adapter,
    // With the buffers that it keeps for reuse: those belong to it as much as those in use.
    gpuBytes: () => bufferManager.numBytesAllocated,
    profile: () => Promise.resolve(undefined),
    close: () => tf.dispose([...variables.values()]),
  };
  const finished = async (values: Promise<Float32Array>): Promise<Float32Array> => {
    const result = await values;
    device.check();
    return result;
  };

  if (job.work === 'forward') {
    return {
      ...shared,
      async run() {
        const logits = tf.tidy(() => applyNetwork(tf, variables, tf.tensor4d(pixels, shape), false));
        const values = await finished(logits.data<'float32'>());
        logits.dispose();
        return values;
      },
    };
  }
  const labels = targets(job);
  const trainable = [...variables.values()].filter((variable) => variable.trainable);
  const optimizer = tf.train.adam(LEARNING_RATE, ADAM.beta1, ADAM.beta2, ADAM.epsilon);
  return {
    ...shared,
    async run() {
      const loss = tf.tidy(() => {
        const x = tf.tensor4d(pixels, shape);
        const y = tf.tensor2d(labels, [job.batch, CONFIG.classes]);
        return optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(y, applyNetwork(tf, variables, x, true)) as Scalar,
          true,
          trainable,
        )!;
      });
      const values = await finished(loss.data<'float32'>());
      loss.dispose();
      return values;
    },
    close() {
      shared.close();
      optimizer.dispose();
    },
  };
}
