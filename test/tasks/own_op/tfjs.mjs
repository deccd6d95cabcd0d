import * as tf from '@tensorflow/tfjs';

// In JavaScript: a kernel in WGSL needs a program class of its WebGPU backend, whose interface is not public.
tf.registerKernel({
  kernelName: 'Cube',
  backendName: 'cpu',
  kernelFunc: ({ inputs: { x }, backend }) => {
    const values = backend.data.get(x.dataId).values;
    return backend.makeTensorInfo(
      x.shape,
      'float32',
      Float32Array.from(values, (v) => v ** 3),
    );
  },
});
tf.registerGradient({
  kernelName: 'Cube',
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => dy.mul(x.square().mul(3)) }),
});
const cube = (x) => tf.engine().runKernel('Cube', { x });

await tf.setBackend('cpu');
const x = tf.tensor1d([1, 2, 3]);
const [y, dx] = [cube(x), tf.grad((each) => cube(each).sum())(x)];
console.log([...(await y.data())], [...(await dx.data())]);
