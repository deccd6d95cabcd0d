import { openDevice } from './engine/device/device.ts';
import { openGpu } from './engine/device/gpu.node.ts';
import { input, reshape } from './engine/ops/leaves.ts';
import { mean } from './engine/ops/reduce.ts';
import { softmaxCrossEntropy } from './engine/ops/softmax_cross_entropy.ts';
import { compile } from './engine/program/program.ts';
import { buildModel } from './models/build_network.ts';
import { applySegments, segmentsBetween, belongsTo } from './models/network.ts';
import { ParameterSet } from './models/parameter_set.ts';
import { TrainStep, DEFAULT_ADAM } from './engine/train/train_step.ts';
const mode = process.argv[2], batch = Number(process.argv[3] ?? 4);
using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
const model = buildModel('efficientnet_b0', 2);
using parameters = new ParameterSet(device, model.network.specs, model.weights, 0);
const full = mode !== 'tail';
const x = full ? input('x', [batch, 224, 224, 3]) : input('x', [batch, 14, 14, 80]);
const segs = segmentsBetween(model.network, full ? undefined : 'stage4');
const logits = applySegments(segs, x, { parameters, batchNorm: mode === 'train' ? 'batch' : 'running' });
const xs = new Float32Array(x.size).map((_, i) => Math.sin(i * 12.9898) );
let t0 = performance.now();
let prog: any, feeds: any, run: () => void, out: any;
if (mode === 'forward') {
  prog = await compile(device, { outputs: [logits] }); feeds = { x: xs }; run = () => prog.run(feeds); out = logits;
} else {
  const targets = input('targets', [batch, 2]);
  const loss = reshape(mean(softmaxCrossEntropy(logits, targets)), []);
  const step = await TrainStep.create(device, { loss, trainable: parameters.trainable(belongsTo(segs)), adam: DEFAULT_ADAM });
  prog = step.program; const f = { x: xs, targets: new Float32Array(batch * 2).fill(0.5) };
  feeds = { ...f, adam_hyper: new Float32Array([1e-4, 0.1, 0.001, 1]) }; run = () => step.run(f, 1e-4); out = loss;
}
console.log('compile', (performance.now() - t0).toFixed(0), 'ms', prog.steps.length, 'steps', device.pipelineCount, 'pipelines', (prog.bytes / 2 ** 20).toFixed(0), 'MiB, bound', (prog.plan.lowerBound/2**20).toFixed(0));
run(); await prog.read(out); console.log('first', (performance.now() - t0).toFixed(0));
const times = [];
for (let i = 0; i < 3; i++) { t0 = performance.now(); run(); await prog.read(out); times.push(performance.now() - t0); }
times.sort((a, b) => a - b); console.log(mode, 'per image', (times[1] / batch).toFixed(1), 'ms');
const ms = await prog.profile(feeds);
const by = new Map<string, [number, number]>();
prog.steps.forEach((s: any, i: number) => { const k = s.launch.kernel.name; const e = by.get(k) ?? [0, 0]; e[0] += ms[i]; e[1]++; by.set(k, e); });
for (const [k, [t, n]] of [...by].sort((a, b) => b[1][0] - a[1][0]).slice(0, 16)) console.log(k.padEnd(34), (t / batch).toFixed(1).padStart(8), 'ms/image', n);
if (process.argv[4]) { const all = prog.steps.map((s: any, i: number) => [ms[i], s.launch.kernel.name + ' ' + String(s.tensor)]).sort((a: any, b: any) => b[0] - a[0]).slice(0, 25); for (const [t, n] of all) console.log((t/batch).toFixed(2), n); }
