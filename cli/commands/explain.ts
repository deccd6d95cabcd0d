import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork explain`. */
export function register(program: Command): void {
  program
    .command('explain')
    .description('explain an op: its formula, gradients and kernels, and a small example computed on the adapter')
    .argument('[op]', 'conv2d, batch_norm, softmax, adam, ... (default: list all)')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork explain
  tuningfork explain conv2d
  tuningfork explain depthwise_conv2d_filter_grad
  tuningfork explain adam --json | jq .results`,
    )
    .action(async (op: string | undefined, _options: object, command: Command) => {
      const { explain, listExplanations } = await import('../explain.node.ts');
      if (op === undefined) listExplanations(allOptions(command));
      else await explain(op, allOptions(command));
    });
}
