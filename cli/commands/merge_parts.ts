import type { Command } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import { allOptions } from '../options.ts';

interface MergeWords {
  /** What the parts are of: `a prediction`. */
  readonly of: string;
  /** The files that it writes. */
  readonly out: string;
}

/** Adds `merge` to a command that takes --shard: it joins the parts that were made. */
export function addMerge(
  command: Command,
  { of, out: files }: MergeWords,
  merge: (folder: string, out: string) => Promise<void>,
): void {
  command
    .command('merge')
    .description(`join the parts of ${of} once all are there`)
    .argument('<folder>', `the --out folder of \`tuningfork ${command.name()} --shard\``)
    .option('--out <file>', `the file to write: ${files}`)
    .action(async (folder: string, _options: object, self: Command) => {
      const { out } = allOptions<{ out?: string }>(self);
      if (out === undefined) throw new UserError(`${command.name()} merge needs a file to write: give --out`);
      const { requireNoRunFile } = await import('../kept_results.node.ts');
      requireNoRunFile(out, '--out');
      await merge(folder, out);
    });
}
