import type { Command } from 'commander';
import { allOptions, numberWithin, wholeNumberWithin } from '../options.ts';

interface GpuFlags {
  readonly out: string;
  readonly minutes: number;
  readonly batch: number;
}

/** `tuningfork bench gpu`. */
export function addGpu(bench: Command): void {
  bench
    .command('gpu')
    .description('check and measure this GPU within ten minutes, and write a file and a page to send in')
    .requiredOption('--out <folder>', 'the folder for gpu.json and gpu.html')
    .option('--minutes <n>', 'stop after this time, and leave out the rest', numberWithin(0.1, 1440), 10)
    .option('--batch <n>', 'images per training step', wholeNumberWithin(1, 1024), 32)
    .addHelpText(
      'after',
      `
It runs these parts in order:
  1. what doctor finds
  2. every layer of three networks, checked against float64 and timed
  3. tune
  4. training steps of EfficientNet-B0, VGG16 and galaxy_vgg in f32, in f16 and on tensor cores, with --batch images and
     with two or four times as many where they fit
  5. TensorFlow.js, where it is installed
Each part runs in its own process, and gpu.json is written after each. When a part fails, its message is recorded, the
others go on, and the command exits with 1.

Examples:
  tuningfork bench gpu --out my-gpu/
  tuningfork bench gpu --out quick/ --minutes 2 --batch 8
  tuningfork bench gpu --out cpu/ --adapter lavapipe --batch 2`,
    )
    .action(async (_options: object, command: Command) => {
      const { out, minutes, batch, adapter, json } = allOptions<GpuFlags>(command);
      const [{ benchGpu }, { showGpuBench }] = await Promise.all([
        import('../../bench/gpu/run.ts'),
        import('../../bench/gpu/show.ts'),
      ]);
      const result = await benchGpu({
        folder: out,
        minutes,
        batch,
        adapter,
        program: [process.argv[1]],
        onProgress: (text) => console.error(text),
      });
      console.log(json ? JSON.stringify(result, null, 2) : showGpuBench(result));
      if (result.parts.some(({ status }) => status === 'failed')) process.exitCode = 1;
    });
}
