import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { input } from '../../engine/ops/leaves.ts';
import type { Precision } from '../../engine/program/precision.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { drawOperands, shapeOf, type Case } from './cases.ts';
import type { KernelContender, Prepared } from './contender.ts';
import { tuningforkContender } from '../tuningfork_contender.ts';
import { ADAM_CONSTANTS, graphOf } from './graph.ts';
import { jobOf, preparedNetwork } from './prepared_network.ts';

/** The layers that have kernels of several versions. */
const isVersioned = ({ layer: { kind }, direction }: Case): boolean =>
  ['conv2d', 'depthwise_conv2d', 'matmul'].includes(kind) || (kind === 'max_pool2d' && direction === 'input_grad');

/**
 * This engine, layer by layer, with the kernels that it chooses or with those of a version. The operands are
 * parameters, not inputs: a run uploads nothing. It closes the device. Under f16 operands and results are f32 still, as
 * all that is seen from outside, and products may be of numbers rounded to f16 (kernels with subgroup matrices).
 */
export function tuningforkKernels(device: Device, version?: 1 | 2, precision: Precision = 'f32'): KernelContender {
  return {
    adapter: device.adapter,
    maxStorageBinding: device.capabilities.maxStorageBinding,
    close: () => device[Symbol.dispose](),
    async prepare(c: Case): Promise<Prepared | string> {
      if (c.layer.kind === 'network') return preparedNetwork(c, await tuningforkContender(device, jobOf(c)));
      if (version && !isVersioned(c)) return 'there is one version only';
      return prepareProgram(device, c, (operand) => graphOf(c, operand, version), precision);
    },
  };
}

/**
 * Makes a case ready whose results a graph computes from the case's operands. @throws Error for what the adapter cannot
 * do
 */
export async function prepareProgram(
  device: Device,
  c: Case,
  graphFrom: (operand: (name: string) => Tensor) => ReturnType<typeof graphOf>,
  precision: Precision = 'f32',
): Promise<Prepared> {
  const parameters = new Map<string, Parameter>();
  let program: Program | undefined;
  const release = () => {
    program?.[Symbol.dispose]();
    for (const parameter of parameters.values()) parameter[Symbol.dispose]();
  };
  try {
    const values = { ...drawOperands(c), ...(c.layer.kind === 'adam' ? ADAM_CONSTANTS : {}) };
    for (const [name, value] of Object.entries(values)) {
      const shape = name in ADAM_CONSTANTS ? [value.length] : shapeOf(name, c.layer);
      parameters.set(name, new Parameter(device, name, shape, value));
    }
    // Of what is no operand only the shape is asked for: of x, say, where the gradient of x is computed.
    const shapes = new Map<string, Tensor>();
    const operand = (name: string): Tensor => {
      if (!parameters.has(name) && !shapes.has(name)) shapes.set(name, input(name, shapeOf(name, c.layer)));
      return parameters.get(name)?.tensor ?? shapes.get(name)!;
    };
    const graph = graphFrom(operand);
    const compiled = await compile(device, {
      ...('update' in graph ? { updates: [graph.update] } : graph),
      precision,
    });
    program = compiled;
    return {
      kernels: compiled.steps.map(({ launch }) => ({
        name: launch.kernel.name,
        overrides: { ...launch.overrides, ...launch.consts },
      })),
      async compute() {
        compiled.run();
        const results: Float32Array[] = [];
        if ('update' in graph) for (const { name } of c.results) results.push(await parameters.get(name)!.read());
        else for (const output of graph.outputs) results.push(await compiled.read(output));
        return results;
      },
      async run(times) {
        for (let i = 0; i < times; i++) compiled.run();
        await device.idle();
        return times;
      },
      gpuTime: (times) => compiled.gpuTime(times),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
