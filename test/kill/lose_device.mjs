// Preloaded into the program (node --import): the first GPU device that it opens is lost at submit number LOSE_AT.
import { createRequire } from 'node:module';

const webgpu = createRequire(import.meta.url)('webgpu');
Object.assign(globalThis, webgpu.globals);
const { GPUAdapter, GPUQueue } = globalThis;
const { requestDevice } = GPUAdapter.prototype;
const { submit } = GPUQueue.prototype;
const at = Number(process.env.LOSE_AT);
let first;
let submits = 0;
GPUAdapter.prototype.requestDevice = async function (descriptor) {
  const device = await requestDevice.call(this, descriptor);
  first ??= device;
  return device;
};
GPUQueue.prototype.submit = function (buffers) {
  if (++submits === at) {
    process.stderr.write('[the device is lost]\n');
    first.destroy();
  }
  return submit.call(this, buffers);
};
