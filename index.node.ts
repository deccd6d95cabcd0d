// What a program in Node needs besides: `import { openGpu } from 'tuningfork/node'`, then openDevice({ gpu: openGpu()
// }).
export { openGpu, softwareDriver, type GpuOptions } from './engine/device/gpu.node.ts';
// For ONNX files that keep their weights in other files: the option `external` of loadOnnx and importOnnx.
export { externalDataBeside } from './models/onnx/external_data.node.ts';
