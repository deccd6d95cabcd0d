import { jsonText } from '../vision/json_text.ts';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { MOST_RUNS, renderComparison } from '../vision/report/comparison.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { GlobalOptions } from './options.ts';
import { readRun } from './run_record.node.ts';
import { comparisonData, differences } from './show_comparison.ts';
import { textTable } from '../vision/report/text_table.ts';

export interface CompareFlags extends GlobalOptions {
  readonly out?: string;
}

/**
 * Prints run directories beside each other: what they are, what came out, in which options they differ. With --out also
 * a page with their curves.
 */
export async function compare(paths: readonly string[], flags: CompareFlags): Promise<void> {
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new UserError(`${twice} is given twice; name each run once`);
  if (flags.out !== undefined && paths.length > MOST_RUNS)
    throw new UserError(
      `a page holds the curves of ${MOST_RUNS} runs at most, not of ${paths.length}; leave out --out or some of the runs`,
    );
  const runs = await Promise.all(paths.map(readRun));
  const data = comparisonData(runs);
  const page = flags.out === undefined ? undefined : join(flags.out, 'compare.html');
  if (page !== undefined) {
    makeFolder(flags.out!);
    await writeFileAtomic(page, await renderComparison(data));
  }
  if (flags.json) {
    const described = runs.map(
      ({ path, task, head, options, finished, epochs, planned, bestEpoch, seconds, parameters, counts, figures }) => ({
        run: path,
        model: options.model,
        width: options.width,
        task,
        head,
        parameters,
        counts,
        size: options.size,
        finished,
        epochs: epochs.length,
        planned,
        seconds,
        bestEpoch,
        ...figures,
      }),
    );
    const differing = Object.fromEntries(
      differences(runs).map(({ option, values }) => [option, values.map((value) => value ?? null)]),
    );
    console.log(
      jsonText({
        runs: described,
        differences: differing,
        warnings: data.warnings,
        ...(page !== undefined && { page }),
      }),
    );
    return;
  }
  for (const warning of data.warnings) console.error(`warning: ${warning}`);
  console.log(textTable(data.runs.columns, data.runs.rows));
  const { columns, rows } = data.options;
  if (rows.length > 0) console.log(`\n${textTable(columns, rows)}`);
  if (page !== undefined) console.log(`\nPage: ${page}`);
}
