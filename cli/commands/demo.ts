import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork demo`. */
export function register(program: Command): void {
  program
    .command('demo')
    .description('the whole job in a few minutes: train on galaxies, judge, explain, and write the report')
    .option(
      '--data <folder>',
      'a folder of galaxies, or synthetic:600 (default: drawn galaxies)',
      process.env['TUNINGFORK_DATA'],
    )
    .option('--weights <file>', 'EfficientNet-B0 weights to fine-tune; looked for in and beside --data when absent')
    .option('--out <folder>', 'the run directory', 'runs/demo')
    .addHelpText(
      'after',
      `
With weights it fine-tunes EfficientNet-B0, without them it trains a small VGG from scratch. It prints the \`tuningfork train\`
command that does the same, and goes on where it was interrupted.

Examples:
  tuningfork demo
  tuningfork demo --data galaxies/ --weights efficientnet_b0.safetensors`,
    )
    .action(async (_options: object, command: Command) => {
      const { demo } = await import('../demo.node.ts');
      await demo(allOptions(command));
    });
}
