// ONNX: what `import { ... } from 'tuningfork/onnx'` gives, in Node and in a browser alike.
export {
  importOnnx,
  type ImportedOnnx,
  type ImportOnnxOptions,
  type OnnxPort,
} from './models/onnx/import_onnx.ts';
export { loadOnnx, type LoadedOnnx, type LoadOnnxOptions } from './models/onnx/load_onnx.ts';
export { exportOnnx, type Exportable, type ExportOnnxOptions } from './models/onnx/export/export_onnx.ts';
