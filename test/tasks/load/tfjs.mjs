import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';

const { buffer } = new Uint8Array(readFileSync('small.bin'));
const stored = { ...JSON.parse(readFileSync('small.json', 'utf8')), weightData: buffer };
const model = await tf.loadLayersModel(tf.io.fromMemory(stored));
console.log((await model.predict(tf.ones([1, 12, 12, 3])).data()).length);
