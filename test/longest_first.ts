import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest: begun last, one of them would run on alone while the other processor waits. */
const LONG = [
  'web/look',
  'cli/slurm_cluster',
  'cli/crossval',
  'cli/kinds',
  'cli/shards',
  'vision/interrupted',
  'cli/archives',
  'cli/targets',
  'cli/votes_tree',
  'cli/onnx',
  'bench/gpu',
  'web/laboratory',
  'web/chapters',
  'web/accessibility',
  'web/learn_view',
  'web/learn_step',
  'web/without_gpu',
  'web/look_classes',
  'models/gradients',
  'web/learn',
  'engine/candidates',
  'engine/conv2d_adjoint',
  'models/recompute',
  'galaxies/challenge',
  'cli/challenge',
  'engine/limits',
  'galaxies/train',
  'cli/nothing_left',
  'cli/changed_data',
  'cli/commands',
  'cli/classes',
  'engine/precision',
  'cli/tune',
  'engine/conv2d',
  'engine/epilogue',
  'engine/matmul',
];

/**
 * Files that need a process of their own: they put something in the place of a module, or set what all modules of a
 * process share.
 */
export const ALONE = [
  'bench/gpu',
  'cli/fetch',
  'cli/tune',
  'engine/arguments',
  'galaxies/report_lazy',
  'galaxies/train',
  // All copies of tfjs in a process share one list of backends and kernels.
  'models/tfjs/backend',
  'models/tfjs/fit',
  'models/tfjs/specs',
  'vision/train_steps',
].map((name) => `test/${name}.test.ts`);

/** Those first; of the others, the ones that took longest the last time, or where no time is known, the largest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      LONG.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`)) + 1 || LONG.length + 1;
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
