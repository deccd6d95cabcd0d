import { packParams } from '../../kernels/kernel.ts';
import type { Device } from '../device/device.ts';
import type { BufferRef } from '../op.ts';
import type { Outline } from './outline.ts';

/** A step that is ready to be encoded. */
export interface Recorded {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  /** What the bind group was made of, and which of the program's buffers each is; undefined for the uniform. */
  readonly entries: readonly GPUBindGroupEntry[];
  readonly refs: readonly (BufferRef | undefined)[];
}

/**
 * Steps of a command buffer. A GPU begins with the first ones while the others are encoded, which takes longer than it
 * needs for many of them: 17 microseconds each on an NVIDIA H200's driver.
 */
export const SUBMITTED_AT_ONCE = 128;

/** Encodes the steps, in order. */
export function dispatch(pass: GPUComputePassEncoder, steps: readonly Recorded[]): void {
  let current: GPUComputePipeline | undefined;
  for (const { pipeline, bindGroup, workgroups } of steps) {
    // A call into WebGPU costs a microsecond, and one launch in four has the pipeline of the one before.
    if (pipeline !== current) pass.setPipeline((current = pipeline));
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }
}

/** The step with these places for its buffers; the step itself where they are its own. */
export function rebound(device: Device, step: Recorded, physical: ReadonlyMap<BufferRef, GPUBufferBinding>): Recorded {
  const { pipeline, entries, refs } = step;
  const isSame = (a: GPUBufferBinding, b: GPUBufferBinding) =>
    a.buffer === b.buffer && a.offset === b.offset && a.size === b.size;
  if (refs.every((ref, i) => ref === undefined || isSame(entries[i].resource as GPUBufferBinding, physical.get(ref)!)))
    return step;
  const moved = entries.map((entry, i) => {
    const ref = refs[i];
    return ref === undefined ? entry : { ...entry, resource: physical.get(ref)! };
  });
  const bindGroup = device.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: moved });
  return { ...step, bindGroup, entries: moved };
}

/** Makes uniforms (one buffer for all) and, as soon as the pipelines are there, bind groups. */
export async function record(
  device: Device,
  { lowered: { steps }, uniformStrides: strides }: Outline,
  made: Promise<readonly GPUComputePipeline[]>,
  physical: ReadonlyMap<BufferRef, GPUBufferBinding>,
  own: (bytes: number, usage: number, label: string) => GPUBuffer,
): Promise<Recorded[]> {
  const total = strides.reduce((a, b) => a + b, 0);
  const contents = new Uint8Array(total);
  const uniforms = own(Math.max(16, total), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, 'uniforms');
  let offset = 0;
  const pipelines = await made;
  const recorded = steps.map(({ launch, buffers, tensor }, i): Recorded => {
    const { bindings } = launch.kernel;
    const entries = bindings.map(({ name, binding, kind }): GPUBindGroupEntry => {
      if (kind === 'uniform')
        return { binding, resource: { buffer: uniforms, offset, size: launch.kernel.paramsSize } };
      const resource = physical.get(buffers[name]);
      if (!resource) throw new Error(`${tensor}: kernel ${launch.kernel.name} was given no buffer for ${name}`);
      return { binding, resource };
    });
    contents.set(new Uint8Array(packParams(launch)), offset);
    offset += strides[i];
    return {
      pipeline: pipelines[i],
      bindGroup: device.gpu.createBindGroup({
        layout: pipelines[i].getBindGroupLayout(0),
        entries,
        label: String(tensor),
      }),
      workgroups: launch.workgroups,
      entries,
      refs: bindings.map(({ name, kind }) => (kind === 'uniform' ? undefined : buffers[name])),
    };
  });
  if (total > 0) device.gpu.queue.writeBuffer(uniforms, 0, contents);
  return recorded;
}
