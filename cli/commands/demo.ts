import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork demo`. */
export function register(program: Command): void {
  program
    .command('demo')
    .description('do the whole job in a few minutes: train on galaxies, judge, explain, and write a report')
    .option(
      '--data <folder>',
      'a folder of galaxies, or synthetic:600, which draws 600 (default: synthetic:600)',
      process.env['TUNINGFORK_DATA'],
    )
    .option('--weights <file>', 'EfficientNet-B0 weights to fine-tune (default: looked for in and beside --data)')
    .option('--out <folder>', 'the run directory', 'runs/demo')
    .addHelpText(
      'after',
      `
With weights it fine-tunes EfficientNet-B0; without, it trains a small VGG from scratch. It prints the command
\`tuningfork train\` that does the same. Give the same command again to resume after an interruption.

Examples:
  tuningfork demo
  tuningfork demo --data galaxies/ --weights efficientnet_b0.safetensors`,
    )
    .action(async (_options: object, command: Command) => {
      const { demo } = await import('../demo.node.ts');
      await demo(allOptions(command));
    });
}
