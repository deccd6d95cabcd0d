// A file of its own in dist/web, larger than all the rest, which is loaded only where the comparison is asked for.
export * from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
