import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { fileError } from '../formats/file_error.node.ts';
import { isOnnx } from '../formats/file_kind.ts';
import { externalDataBeside } from './external_data.node.ts';
import type { OnnxFile } from './onnx_model.ts';
import { withItsData } from './stored_graph.ts';

const HEAD_BYTES = 1024;

/** Whether a model is an ONNX file: by its name, or else by its first bytes. */
export function isOnnxFile(path: string): boolean {
  if (/\.onnx$/i.test(path)) return true;
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  const handle = openSync(path, 'r');
  try {
    const head = new Uint8Array(HEAD_BYTES);
    return isOnnx(head.subarray(0, readSync(handle, head)));
  } finally {
    closeSync(handle);
  }
}

/**
 * Reads an ONNX file, with what it keeps in other files of its folder.
 * @throws UserError where one of them cannot be read
 */
export function readOnnxFile(path: string): OnnxFile {
  try {
    const bytes = readFileSync(path);
    return { bytes: withItsData(bytes, path, externalDataBeside(path)), source: path };
  } catch (error) {
    throw fileError('read', path, error);
  }
}
