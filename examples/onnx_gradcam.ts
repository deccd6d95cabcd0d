// Where a network that others trained looks: Grad-CAM at any node of an ONNX file.
// Run it with `node examples/onnx_gradcam.ts MODEL.onnx [NODE]` after `npm run build`; see README.md.
import { readFileSync } from 'node:fs';
import { applySegments, compile, findTensor, gradCam, input, oneHot, openDevice, ParameterSet } from 'tuningfork';
import { openGpu } from 'tuningfork/node';
import { loadOnnx } from 'tuningfork/onnx';

const SIDE = 64;
const [path, node] = process.argv.slice(2);
const { network, weights } = loadOnnx(readFileSync(path), { size: SIDE });
console.log(`${path}: segments ${network.segments.map(({ name }) => name).join(', ')}`);

using device = await openDevice({ gpu: openGpu() });
using parameters = new ParameterSet(device, network.specs, weights, 0);

// A graph from the image to the logits, and from a logit back to the node: Grad-CAM is graph too.
const x = input('x', [1, SIDE, SIDE, 3]);
const logits = applySegments(network.segments, x, { parameters, batchNorm: 'running' });
const explained = input('explained', logits.shape);
const map = gradCam(logits, explained, findTensor(logits, node ?? network.lastConv));
using program = await compile(device, { outputs: [logits, map] });

// A bright disc on a dark ground, in the lower right.
const image = Float32Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
  const [row, column] = [Math.floor(i / 3 / SIDE), Math.floor(i / 3) % SIDE];
  return Math.hypot(row - 44, column - 44) < 12 ? 1 : -1;
});
const classes = logits.shape[1];
program.run({ x: image, explained: oneHot([0], classes) });
const scores = [...(await program.read(logits))];
const best = scores.indexOf(Math.max(...scores));
program.run({ x: image, explained: oneHot([best], classes) });
const values = await program.read(map);

const [, height, width] = map.shape;
const peak = Math.max(...values) || 1;
console.log(`class ${best} of ${classes}; Grad-CAM at ${node ?? network.lastConv}, ${height} x ${width}:`);
for (let row = 0; row < height; row++) {
  const shades = [...values.subarray(row * width, (row + 1) * width)].map(
    (v) => ' .:-=+*#%@'[Math.round((9 * v) / peak)],
  );
  console.log(shades.join(' '));
}
