import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NagaError, parseWgsl, validate } from 'naga-wasm';
import { describe, expect, it } from 'vitest';
import { posedAs } from '../../cli/posed_device.ts';
import { openModel } from '../../cli/open_model.node.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { decidedText } from '../../kernels/decided.ts';
import { pipelineKey } from '../../kernels/kernel.ts';
import { reflectKernel, resolveIncludes } from '../../kernels/wgsl_plugin.mjs';
import { planModel } from '../../vision/train/model_cost.ts';

// The other tests compile kernels with Dawn's WGSL compiler, which is Chrome's. Firefox and Deno have naga: what
// it does not take would not run there.

/** What naga says against a text; empty where nothing. It knows the functions of subgroups, and not their directive. */
function complaint(code: string): string {
  try {
    using module = parseWgsl(code.replace('enable subgroups;', ''));
    using _info = validate(module);
    return '';
  } catch (error) {
    if (!(error instanceof NagaError)) throw error;
    return error.formatted ?? error.message;
  }
}

const ROOT = fileURLToPath(new URL('../../kernels', import.meta.url));
const kernels = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.wgsl') && !/\binclude\b/.test(path))
  .map((path) => join(ROOT, path))
  .filter((path) => resolveIncludes(path).includes('@compute'))
  .map((path) => reflectKernel(path));
/** Tensor cores: an extension that Dawn alone has, asked for only where the adapter offers it. */
const usesMatrices = (code: string): boolean => code.includes('subgroup_matrix');

describe('a second compiler', () => {
  it('takes every kernel as it lies, but for those on tensor cores', () => {
    expect(kernels.length).toBeGreaterThan(80);
    for (const { file, code } of kernels) if (!usesMatrices(code)) expect(complaint(code), file).toBe('');
    const left = kernels.filter(({ code }) => usesMatrices(code)).map(({ name }) => name);
    expect(left.sort()).toEqual([
      'conv2d_filter_grad_matrix',
      'conv2d_input_grad_matrix',
      'conv2d_matrix',
      'matmul_v3',
    ]);
  });

  it('notices what is wrong', () => {
    const [{ code }] = kernels.filter(({ name }) => name === 'pointwise');
    expect(complaint(code.replace(/\bfn main\(/, 'fn main(wrong: '))).not.toBe('');
    expect(complaint(code.replace(/: u32 =/, ': f32 ='))).not.toBe('');
  });
});

describe.each(['efficientnet_b0', 'galaxy_vgg', 'resnet50', 'mobilenet_v3_small', 'convnext_nano'])('of %s', (name) => {
  it.each(['f32', 'f16'] as const)(
    'it takes every pipeline of a training step in %s, on a CPU and on GPUs',
    async (precision) => {
      using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
      const devices = [
        device,
        ...(['rtx-3090', 'rx-6800', 'm1', 'iris-xe'] as const).map((gpu) => posedAs(device, gpu)),
      ];
      const texts = new Map<string, string>();
      for (const each of devices) {
        using model = await openModel(each, name, {});
        const plan = planModel(each, model, { batch: 8, size: 64, training: true, recompute: 'none', precision });
        for (const { launch } of plan.outlined.lowered.steps) texts.set(pipelineKey(launch), decidedText(launch));
      }
      expect(texts.size).toBeGreaterThan(50);
      for (const [key, text] of texts) expect(complaint(text), key).toBe('');
    },
  );
});
