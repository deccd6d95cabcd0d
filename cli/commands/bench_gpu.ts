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
    .description('all that is worth knowing of this GPU, in a file and a page to send in: checks, layers, training')
    .requiredOption('--out <folder>', 'takes gpu.json and gpu.html')
    .option('--minutes <n>', 'the time that it may take; what comes after is left out', numberWithin(0.1, 1440), 10)
    .option('--batch <n>', 'images at once in a training step', wholeNumberWithin(1, 1024), 32)
    .addHelpText(
      'after',
      `
In this order: what doctor tells; every layer of three networks, checked against float64 and timed; tune; training steps
of EfficientNet-B0, VGG16 and galaxy_vgg in f32, f16 and on tensor cores, also in the largest batch that fits of two and
four times --batch; tfjs where it is installed. Each part runs in a process of its own. One that fails is recorded with
its sentence and the others go on; the command ends with 1 then. gpu.json is written after each part.

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
