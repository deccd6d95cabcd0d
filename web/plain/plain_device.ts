import { DeviceWithoutGpu } from '../../engine/device/without_gpu.ts';
import type { MakesPrograms, ProgramSpec } from '../../engine/program/program.ts';
import { WITHOUT_GPU } from '../common/message.ts';
import { PlainProgram } from './plain_program.ts';

/**
 * A device that computes in JavaScript: what a page opens in a browser without WebGPU. Graphs, gradients, training
 * steps and parameters are the engine's own; `compile` gives a PlainProgram.
 */
export class PlainDevice extends DeviceWithoutGpu implements MakesPrograms {
  constructor() {
    super(WITHOUT_GPU);
  }

  makeProgram(spec: ProgramSpec): PlainProgram {
    return new PlainProgram(this, spec);
  }
}
